// One subscription over server-sent events: opened again by itself after each loss, from the last
// message on, so that nothing is missed and nothing is taken twice.

import {type ErrorJson, errorReason, type GapJson, type ProgressJson, type StartedJson} from "../logic/api";
import {Backlog, Conflation} from "../logic/conflation";
import {Connection, LOOK_INTERVAL, PROGRESS_INTERVAL, remedy, retryDelay} from "../logic/connection";
import {type SseMessage, SseParser} from "../logic/sse";
import {CallError, responseError} from "./connect";

// Characters that may wait to be parsed. Beyond it the server waits.
const BACKLOG_CHARACTERS_MAX = 8 * 1024 * 1024;
// Time of one frame for parsing, in milliseconds: while a snapshot comes, and afterwards.
const BUDGET_LOADING = 14;
const BUDGET_LIVE = 6;
const SILENT = "the correlator says nothing";
// A view changes at most ten times a second: nobody reads faster.
const DRAW_INTERVAL = 100;

export interface StreamEvents {
  // The rows known so far no longer count: a snapshot begins.
  reset(): void;
  // A message with changes.
  data(event: string, json: unknown): void;
  started(started: StartedJson): void;
  progress(progress: ProgressJson): void;
  gap(gap: GapJson): void;
  // Something changed that can be seen; at most every DRAW_INTERVAL.
  draw(): void;
}

export class Stream {
  readonly connection = new Connection();
  private readonly backlog = new Backlog<SseMessage>(BACKLOG_CHARACTERS_MAX);
  private readonly conflation = new Conflation(DRAW_INTERVAL);
  private abort: AbortController | undefined;
  private token = "";
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private resumeReading: (() => void) | undefined;
  private pumping = false;
  private closed = false;
  private resting = false;
  retryAt = 0;

  constructor(private readonly path: string, private parameters: URLSearchParams,
              private readonly events: StreamEvents) {}

  // Subscribes anew, with other parameters.
  open(parameters = this.parameters): void {
    this.closed = false;
    this.resting = false;
    this.parameters = parameters;
    this.token = "";
    this.connection.snapshotWanted();
    this.connection.failures = 0;
    this.backlog.clear();
    this.events.reset();
    this.events.draw();
    this.connect();
  }

  // Ends the subscription.
  close(): void {
    this.closed = true;
    this.abort?.abort();
    clearTimeout(this.retryTimer);
    this.backlog.clear();
    this.resumeReading?.();
  }

  // Lets go of the connection and keeps what came. What is refused stays so.
  rest(): void {
    if (this.closed || this.resting || this.connection.phase(performance.now()) === "refused") return;
    this.resting = true;
    this.abort?.abort();
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.connection.rested();
    this.wantDraw();
  }

  // After rest(): goes on with the last message's token.
  wake(): void {
    if (this.closed || !this.resting) return;
    this.resting = false;
    this.connection.woke();
    this.connect();
    this.wantDraw();
  }

  // Tries at once instead of at the planned time, and anew where an open connection is silent.
  retryNow(): void {
    const stale = this.connection.phase(performance.now()) === "stale";
    if (this.closed || (this.retryTimer === undefined && !stale)) return;
    if (stale) this.connection.lost(SILENT);
    this.connect();
    this.wantDraw();
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.connection.trying();
    this.watch(abort);
    void this.read(abort).catch((error: unknown) => {
      if (abort.signal.aborted || this.closed) return;
      abort.abort();
      this.failed(error);
    });
  }

  // Gives up a try that says nothing for too long: a connection whose other end is gone without a
  // word would stay open for ever.
  private watch(abort: AbortController): void {
    const timer = setInterval(() => {
      // Then it is this page that does not listen.
      if (this.backlog.full) this.connection.heard(performance.now());
      if (!this.connection.looksDead()) return;
      abort.abort();
      this.failed(new CallError("unavailable", "", SILENT));
    }, LOOK_INTERVAL);
    abort.signal.addEventListener("abort", () => clearInterval(timer));
  }

  private async read(abort: AbortController): Promise<void> {
    const parameters = new URLSearchParams(this.parameters);
    parameters.set("progress_interval", `${PROGRESS_INTERVAL / 1000}s`);
    // Without Accept: what accepts nothing but events is answered 200 where this wants the status.
    const headers: Record<string, string> = {};
    if (this.token) headers["Last-Event-ID"] = this.token;
    const response = await fetch(`${this.path}?${parameters.toString()}`,
                                 {headers, signal: abort.signal, cache: "no-store"});
    if (!response.ok || !response.body) throw await responseError(response);
    this.connection.opened(performance.now());
    this.wantDraw();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const {done, value} = await reader.read();
      if (abort.signal.aborted) return;
      if (done) throw new CallError("unavailable", "", "the stream ended");
      this.connection.heard(performance.now());
      for (const message of parser.push(decoder.decode(value, {stream: true}))) {
        if (message.event === "error") throw streamError(message.data);
        this.connection.served();
        if (message.id) this.token = message.id;
        this.backlog.push(message, message.data.length);
      }
      this.pump();
      while (this.backlog.full && !abort.signal.aborted) {
        await new Promise<void>((resolve) => (this.resumeReading = resolve));
      }
    }
  }

  private failed(error: unknown): void {
    const failure = error instanceof CallError
      ? error : new CallError("unavailable", "", "the correlator cannot be reached");
    const what = remedy(failure.code, failure.reason);
    if (what === "give up") {
      this.connection.refused(failure.message);
      this.wantDraw();
      return;
    }
    this.connection.lost(failure.message);
    if (what === "restart") {
      this.token = "";
      this.backlog.clear();
      this.connection.snapshotWanted();
      this.events.reset();
    }
    const delay = retryDelay(this.connection.failures, Math.random());
    this.retryAt = performance.now() + delay;
    this.retryTimer = setTimeout(() => this.connect(), delay);
    this.wantDraw();
  }

  private wantDraw(): void {
    this.conflation.want();
    this.pump();
  }

  // Takes what waits, a portion for each frame.
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    const turn = () => {
      this.pumping = false;
      if (this.closed) return;
      const now = performance.now();
      const budget = document.hidden ? 50
        : this.connection.phase(now) === "live" ? BUDGET_LIVE : BUDGET_LOADING;
      if (this.backlog.drain((message) => this.take(message), budget, () => performance.now())) {
        this.conflation.want();
      }
      if (!this.backlog.full) {
        this.resumeReading?.();
        this.resumeReading = undefined;
      }
      const due = this.conflation.due(now);
      if (due) this.events.draw();
      if (this.backlog.length > 0 || this.conflation.pending) this.pump();
    };
    nextTurn(turn);
  }

  private take(message: SseMessage): void {
    const json = JSON.parse(message.data) as unknown;
    switch (message.event) {
      case "started": this.events.started(json as StartedJson); break;
      case "progress": this.events.progress(json as ProgressJson); break;
      case "gap": this.events.gap(json as GapJson); break;
      case "snapshot_complete": this.connection.snapshotComplete(); break;
      default: this.events.data(message.event, json);
    }
  }
}

// Calls back at the next frame, or by a timer where there are none: a hidden page goes on.
function nextTurn(turn: () => void): void {
  let frame = 0;
  const timer = setTimeout(() => {
    cancelAnimationFrame(frame);
    turn();
  }, 250);
  frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    turn();
  });
}

function streamError(data: string): CallError {
  try {
    const error = JSON.parse(data) as ErrorJson;
    return new CallError(error.code ?? "unknown", errorReason(error), error.message || `the stream failed: ${error.code ?? "unknown"}`);
  } catch {
    return new CallError("unknown", "", "the stream failed");
  }
}
