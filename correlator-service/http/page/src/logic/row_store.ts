// The table behind the front view: the stream's changes folded by row id, in the order of their
// event times.

import type {JoinedRowJson} from "./api";
import {Interner} from "./interner";
import {parseRow, type Row, sameValue} from "./rows";

// Rows kept. Beyond it the oldest leave the page; the correlator has them still.
export const ROWS_MAX = 100_000;
// What may stand above it, so that rows leave many at a time.
const SLACK = 2_000;
const LABEL_NAMES_MAX = 500;

function before(a: Row, b: Row): boolean {
  return a.eventTime !== b.eventTime ? a.eventTime < b.eventTime : a.id < b.id;
}

// Not safe to use while fold() runs; everything here is of one thread.
export class RowStore {
  private readonly byId = new Map<string, Row>();
  // Oldest first, so that what is new is added at the end.
  private order: Row[] = [];
  // To be merged into `order`, and to be left out of it, at the next settle().
  private added: Row[] = [];
  private removed = new Set<Row>();
  private readonly interner = new Interner();
  private readonly labelNames = new Set<string>();
  private lastLabels: unknown;
  // What left, for its age or because of ROWS_MAX, was of this time or before, and its changes are no
  // new rows.
  private horizon = -Infinity;
  // Rows that left because of ROWS_MAX.
  evicted = 0;
  // Grows with each change that can be seen.
  version = 0;
  // Rows that became known, over all time.
  insertions = 0;

  constructor(private readonly rowsMax = ROWS_MAX) {}

  get size(): number {
    return this.byId.size;
  }

  // Forgets everything, before another snapshot.
  clear(): void {
    this.byId.clear();
    this.order = [];
    this.added = [];
    this.removed.clear();
    this.evicted = 0;
    this.horizon = -Infinity;
    this.version++;
  }

  // Takes changes: UPSERT replaces, DELETE removes. What is older than what is known changes
  // nothing. `now` is performance.now(), and marks values that changed.
  fold(rows: readonly JoinedRowJson[], now: number): void {
    for (const json of rows) this.foldOne(json, now);
    // Also while nothing is drawn that would ask for them.
    if (this.added.length > SLACK) this.settle();
  }

  // Drops the rows of before `cutoff`, and whatever changes of theirs are still to come, as a snapshot
  // would leave them out. Returns whether there were any.
  expire(cutoff: number): boolean {
    this.settle();
    this.horizon = Math.max(this.horizon, Math.ceil(cutoff) - 1);
    let first = 0;
    for (let end = this.order.length; first < end;) {
      const middle = (first + end) >> 1;
      if ((this.order[middle] as Row).eventTime < cutoff) first = middle + 1;
      else end = middle;
    }
    if (first === 0) return false;
    for (const row of this.order.splice(0, first)) this.byId.delete(row.id);
    this.version++;
    return true;
  }

  get(id: string): Row | undefined {
    return this.byId.get(id);
  }

  // The rows, oldest first. Valid until the next fold(): copy it to keep it.
  settled(): readonly Row[] {
    this.settle();
    return this.order;
  }

  // Names of labels that alerts here have, sorted.
  labels(): string[] {
    return [...this.labelNames].sort();
  }

  private foldOne(json: JoinedRowJson, now: number): void {
    const known = json.rowId === undefined ? undefined : this.byId.get(json.rowId);
    if (known !== undefined && Number(json.sequence ?? 0) < known.sequence) return;
    if (json.operation === "OPERATION_DELETE") {
      if (known !== undefined) this.remove(known);
      return;
    }
    const row = parseRow(json, this.interner);
    if (row === undefined || (known === undefined && row.eventTime <= this.horizon)) return;
    this.version++;
    this.noteLabels(row);
    if (known === undefined) {
      this.insertions++;
      this.byId.set(row.id, row);
      this.added.push(row);
      return;
    }
    this.replace(known, row, now);
  }

  private replace(known: Row, row: Row, now: number): void {
    const moved = known.eventTime !== row.eventTime;
    if (sameValue(known, row)) {
      row.replaced = known.replaced;
      row.changedAt = known.changedAt;
    } else {
      row.replaced = {revision: known.revision, match: known.match, value: known.value};
      row.changedAt = now;
    }
    if (moved) {
      this.detach(known);
      this.byId.set(row.id, row);
      this.added.push(row);
    } else {
      // In place: views hold the row itself.
      Object.assign(known, row);
    }
  }

  private remove(row: Row): void {
    this.version++;
    this.byId.delete(row.id);
    this.detach(row);
  }

  private detach(row: Row): void {
    const waiting = this.added.indexOf(row);
    if (waiting >= 0) this.added.splice(waiting, 1);
    else this.removed.add(row);
  }

  private noteLabels(row: Row): void {
    if (row.labels === this.lastLabels) return;
    this.lastLabels = row.labels;
    if (this.labelNames.size >= LABEL_NAMES_MAX) return;
    for (const name of Object.keys(row.labels)) this.labelNames.add(name);
  }

  private settle(): void {
    if (this.removed.size > 0) {
      this.order = this.order.filter((row) => !this.removed.has(row));
      this.removed.clear();
    }
    if (this.added.length > 0) {
      this.added.sort((a, b) => (before(a, b) ? -1 : 1));
      mergeAtEnd(this.order, this.added);
      this.added = [];
    }
    if (this.order.length > this.rowsMax + SLACK) {
      const leaving = this.order.splice(0, this.order.length - this.rowsMax);
      for (const row of leaving) this.byId.delete(row.id);
      this.evicted += leaving.length;
      // A row that was amended to an older time may have stood below the horizon.
      this.horizon = Math.max(this.horizon, leaving[leaving.length - 1]?.eventTime ?? -Infinity);
    }
  }
}

// Merges the sorted `added` into the sorted `order`, from the end on: what belongs at the end costs
// nothing for what lies before.
function mergeAtEnd(order: Row[], added: Row[]): void {
  let left = order.length - 1;
  let right = added.length - 1;
  // Grown by pushing: setting the length would leave holes, which make the array slow.
  for (const row of added) order.push(row);
  for (let to = order.length - 1; right >= 0; to--) {
    const next = added[right] as Row;
    const old = left >= 0 ? (order[left] as Row) : undefined;
    if (old !== undefined && before(next, old)) {
      order[to] = old;
      left--;
    } else {
      order[to] = next;
      right--;
    }
  }
}
