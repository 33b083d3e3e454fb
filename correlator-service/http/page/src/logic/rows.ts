// A joined row as the table keeps it: flat, and without what only the detail shows.

import {type JoinedRowJson, type Labels, parseDouble} from "./api";
import type {Interner} from "./interner";
import {parseDuration, parseTime} from "./times";

export type AlertState = "firing" | "resolved";
export type MatchState =
  "matched" | "no series" | "no sample" | "too old" | "stale" | "unbound";

// What a revision replaced.
export interface Replaced {
  revision: number;
  match: MatchState;
  value: number | undefined;
}

export interface Row {
  id: string;
  sequence: number;
  revision: number;
  final: boolean;
  cause: string;
  state: AlertState;
  eventTime: number;
  startsAt: number;
  source: string;
  fingerprint: string;
  alertName: string;
  instance: string;
  labels: Labels;
  querySource: string;
  queryName: string;
  operator: string;
  threshold: number | undefined;
  queryError: string;
  match: MatchState;
  value: number | undefined;
  sampleAge: number | undefined;
  reported: number | undefined;
  // The last other value that this page has seen in this row.
  replaced: Replaced | undefined;
  // performance.now() when the value changed, 0 when it never has.
  changedAt: number;
}

const MATCH_STATES: Readonly<Record<string, MatchState>> = {
  MATCH_STATE_MATCHED: "matched",
  MATCH_STATE_NO_SERIES: "no series",
  MATCH_STATE_NO_SAMPLE: "no sample",
  MATCH_STATE_TOO_OLD: "too old",
  MATCH_STATE_STALE: "stale",
  MATCH_STATE_UNBOUND: "unbound",
};

// Why there is no value, for a person.
export const MATCH_MEANINGS: Readonly<Record<MatchState, string>> = {
  "matched": "the value at that moment",
  "no series": "no series of the query belongs to the alert",
  "no sample": "the series has no sample at or before that moment",
  "too old": "the newest sample was older than the tolerance",
  "stale": "the series had ended: a stale marker came before that moment",
  "unbound": "the alert is bound to no query",
};

export function parseState(state: string | undefined): AlertState {
  return state === "ALERT_STATE_RESOLVED" ? "resolved" : "firing";
}

export function parseMatch(state: string | undefined): MatchState {
  return MATCH_STATES[state ?? ""] ?? "unbound";
}

// "CAUSE_LATE_SAMPLE" -> "late sample"
export function parseEnum(value: string | undefined, prefix: string): string {
  return (value ?? "").replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

// A row of the stream; undefined when it has no id or no time, which no server of ours sends.
export function parseRow(json: JoinedRowJson, interner: Interner): Row | undefined {
  const transition = json.transition ?? {};
  const query = json.query ?? {};
  const match = json.match ?? {};
  const eventTime = parseTime(transition.eventTime);
  if (!json.rowId || eventTime === undefined) return undefined;
  return {
    id: json.rowId,
    sequence: Number(json.sequence ?? 0),
    revision: Number(json.revision ?? 0),
    final: json.final ?? false,
    cause: interner.text(parseEnum(json.cause, "CAUSE_")),
    state: parseState(transition.state),
    eventTime,
    startsAt: parseTime(transition.startsAt) ?? eventTime,
    source: interner.text(transition.source ?? ""),
    fingerprint: interner.text(transition.fingerprint ?? ""),
    alertName: interner.text(transition.alertName ?? ""),
    instance: interner.text(transition.instance ?? ""),
    labels: interner.labels(transition.labels ?? {}),
    querySource: interner.text(query.source ?? ""),
    queryName: interner.text(query.name ?? ""),
    operator: interner.text(query.comparisonOperator ?? ""),
    threshold: parseDouble(query.threshold),
    queryError: interner.text(query.error ?? ""),
    match: parseMatch(match.state),
    value: parseDouble(match.value),
    sampleAge: parseDuration(match.sampleAge),
    reported: parseDouble(transition.reportedValue),
    replaced: undefined,
    changedAt: 0,
  };
}

// Whether two rows show the same value. NaN is a value, and equals itself here.
export function sameValue(a: Replaced | Row, b: Replaced | Row): boolean {
  return a.match === b.match && Object.is(a.value, b.value);
}

// What tells one episode from another. Several sources may send the same alert: each has its own
// episodes of it.
export type EpisodeKey = Pick<Row, "source" | "fingerprint" | "startsAt">;

export function episodeOf(row: JoinedRowJson): EpisodeKey {
  const transition = row.transition ?? {};
  return {
    source: transition.source ?? "", fingerprint: transition.fingerprint ?? "",
    startsAt: parseTime(transition.startsAt) ?? NaN,
  };
}

export function sameEpisode(a: EpisodeKey, b: EpisodeKey): boolean {
  return a.startsAt === b.startsAt && a.fingerprint === b.fingerprint && a.source === b.source;
}
