// What the views share: the state in the address, the time zone, and what the streams know.

import type {GrpcPlace} from "../logic/links";
import type {PageState} from "../logic/url_state";
import type {RowStore} from "../logic/row_store";
import type {ProgressBoard} from "../logic/progress";
import type {Stream} from "../net/stream";
import type {Zone} from "../logic/times";

export interface App {
  readonly state: PageState;
  readonly zone: Zone;
  readonly rows: RowStore;
  readonly progress: ProgressBoard;
  readonly stream: Stream;
  // What commands for copying name.
  readonly grpc: GrpcPlace;
  // The server's time, as well as it is known.
  now(): number;
  // Changes the state, the address and what is shown. With `push` the back button undoes it.
  change(patch: Partial<PageState>, push?: boolean): void;
  // Tells of something that was done, for a moment.
  notify(text: string): void;
}

// One of the pages. It exists as long as the app; while it is hidden it does nothing.
export interface PageView {
  readonly element: HTMLElement;
  show(): void;
  hide(): void;
  // Lets go of connections of its own, and takes them up again.
  rest(): void;
  wake(): void;
  // Tries connections of its own that are lost or silent at once.
  retryNow(): void;
  // The state has changed.
  update(): void;
  // Once a second: what depends on the time that passes.
  tick(): void;
}
