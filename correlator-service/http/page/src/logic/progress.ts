// How far the metrics are complete, by the progress messages of a stream. The ages hold whatever
// the browser's clock says: they start from the server's own time of sending.

import type {ProgressJson} from "./api";
import {parseTime} from "./times";

export interface QueryAge {
  source: string;
  name: string;
  // Age of completeThrough when the message came, in milliseconds.
  ageThen: number;
}

export class ProgressBoard {
  private queries: QueryAge[] = [];
  private receivedAt = 0;
  private offset: number | undefined;
  private sentAt: number | undefined;

  // `now` is performance.now(), `clock` Date.now().
  take(progress: ProgressJson, now: number, clock: number): void {
    const sent = parseTime(progress.sendTime);
    if (sent === undefined) return;
    this.offset = sent - clock;
    this.sentAt = sent;
    this.receivedAt = now;
    this.queries = [];
    for (const query of progress.queries ?? []) {
      const through = parseTime(query.completeThrough);
      if (through === undefined) continue;
      this.queries.push({
        source: query.query?.source ?? "",
        name: query.query?.name ?? "",
        ageThen: Math.max(0, sent - through),
      });
    }
  }

  // The server's time less the browser's; 0 until it is known.
  get clockOffset(): number {
    return this.offset ?? 0;
  }

  // The server's time, whatever happens to the browser's clock; behind it by as long as the machine
  // slept since the last message. Undefined until it is known.
  serverTime(now: number): number | undefined {
    return this.sentAt === undefined ? undefined : this.sentAt + Math.max(0, now - this.receivedAt);
  }

  // Age of the freshest query's progress, and the one that lags most; undefined while there is none.
  // Freshest, because a query that is polled only around alerts stands still in between.
  ages(now: number): {newest: number; oldest: number; oldestName: string} | undefined {
    const first = this.queries[0];
    if (first === undefined) return undefined;
    let newest = first;
    let oldest = first;
    for (const query of this.queries) {
      if (query.ageThen < newest.ageThen) newest = query;
      if (query.ageThen > oldest.ageThen) oldest = query;
    }
    const since = Math.max(0, now - this.receivedAt);
    return {newest: newest.ageThen + since, oldest: oldest.ageThen + since, oldestName: oldest.name};
  }
}
