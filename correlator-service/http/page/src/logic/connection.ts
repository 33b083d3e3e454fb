// How the stream fares, as one state, and when it is tried again. Pure: time comes in.

export type Phase =
  | "connecting"    // the first try
  | "loading"       // open, the snapshot is coming
  | "live"          // open, and something came lately
  | "stale"         // open, and nothing came for too long
  | "resting"       // let go while nobody looks
  | "reconnecting"  // lost; the next try is under way or planned
  | "refused";      // the server says that asking again is no use

// A progress message comes every PROGRESS_INTERVAL; three that are missing are a sign.
export const PROGRESS_INTERVAL = 2_000;
export const STALE_AFTER = 3 * PROGRESS_INTERVAL;
// A try is looked at every LOOK_INTERVAL, and given up once so many looks in a row found nothing new.
export const LOOK_INTERVAL = 1_000;
export const SILENT_LOOKS_MAX = 10;
const RETRY_FIRST = 500;
const RETRY_MAX = 10_000;

// Time until the next try after `failures` in a row, with up to a fifth taken off by `random` in
// [0, 1), so that many pages do not come at once.
export function retryDelay(failures: number, random: number): number {
  const delay = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.max(0, failures - 1));
  return Math.round(delay * (1 - random / 5));
}

export class Connection {
  private open = false;
  private complete = false;
  private everOpen = false;
  private resting = false;
  private refusal: string | undefined;
  private heardAt = 0;
  private silentLooks = 0;
  failures = 0;
  // Why the last try failed.
  reason = "";

  // Another try begins.
  trying(): void {
    this.silentLooks = 0;
  }

  opened(now: number): void {
    this.open = true;
    this.everOpen = true;
    this.resting = false;
    this.refusal = undefined;
    this.heard(now);
  }

  // Something came, be it the part of a message.
  heard(now: number): void {
    this.heardAt = now;
    this.silentLooks = 0;
  }

  // A message came that is no error: the stream works, and the next failure is the first one again.
  served(): void {
    this.failures = 0;
    this.reason = "";
  }

  // To be asked every LOOK_INTERVAL while a try lasts: whether it has been silent for so long that
  // another one has better chances. Looks are counted rather than time, because a machine that slept
  // has not listened, and finds what was sent meanwhile.
  looksDead(): boolean {
    this.silentLooks++;
    return this.silentLooks >= SILENT_LOOKS_MAX;
  }

  snapshotComplete(): void {
    this.complete = true;
  }

  // Whether all of the snapshot has been taken, also while the connection is lost.
  get hasSnapshot(): boolean {
    return this.complete;
  }

  // Another snapshot begins.
  snapshotWanted(): void {
    this.complete = false;
  }

  lost(reason: string): void {
    this.open = false;
    this.failures++;
    this.reason = reason;
  }

  // Let go on purpose.
  rested(): void {
    this.open = false;
    this.resting = true;
  }

  // Wanted again, and not there yet.
  woke(): void {
    this.resting = false;
  }

  refused(reason: string): void {
    this.open = false;
    this.refusal = reason;
    this.reason = reason;
  }

  phase(now: number): Phase {
    if (this.refusal !== undefined) return "refused";
    if (this.resting) return "resting";
    if (!this.open) return this.everOpen || this.failures > 0 ? "reconnecting" : "connecting";
    if (now - this.heardAt > STALE_AFTER) return "stale";
    return this.complete ? "live" : "loading";
  }

  // Time since the last message.
  silence(now: number): number {
    return Math.max(0, now - this.heardAt);
  }
}

// What the error object of a stream asks for.
export type Remedy =
  | "retry"    // go on with the token
  | "restart"  // begin without the token
  | "give up"; // the arguments are wrong

const RESTART_REASONS = new Set([
  "RESUME_TOKEN_TOO_OLD", "RESUME_TOKEN_FOREIGN", "RESUME_TOKEN_FROM_FUTURE",
  "RESUME_TOKEN_OTHER_ARGUMENTS", "INVALID_RESUME_TOKEN",
]);

export function remedy(code: string, reason: string): Remedy {
  if (RESTART_REASONS.has(reason)) return "restart";
  switch (code) {
    case "out_of_range": case "failed_precondition": return "restart";
    case "invalid_argument": case "unimplemented": case "not_found": case "unauthenticated":
    case "permission_denied": return "give up";
    default: return "retry";
  }
}
