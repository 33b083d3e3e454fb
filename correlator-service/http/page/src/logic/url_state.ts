// What the page shows, as it stands in its address: to be reloaded, kept and sent to others.

import {DAY, HOUR, MINUTE, parseSpan} from "./times";

export const VIEWS = ["joined", "alerts", "metrics"] as const;
export type View = (typeof VIEWS)[number];

export interface PageState {
  view: View;
  filter: string;
  state: "" | "firing" | "resolved";
  // Only rows of queries with this name; on the metrics view the query that is shown.
  query: string;
  finalOnly: boolean;
  // How far back, in milliseconds.
  window: number;
  // More labels as columns.
  columns: string[];
  // The row whose detail is open.
  row: string;
}

export const WINDOW_DEFAULT = 24 * HOUR;
export const WINDOWS: readonly (readonly [string, number])[] = [
  ["15m", 15 * MINUTE], ["1h", HOUR], ["6h", 6 * HOUR], ["24h", DAY], ["7d", 7 * DAY],
  ["30d", 30 * DAY],
];
const COLUMNS_MAX = 12;

export function defaultState(): PageState {
  return {
    view: "joined", filter: "", state: "", query: "", finalOnly: false, window: WINDOW_DEFAULT,
    columns: [], row: "",
  };
}

function spanText(span: number): string {
  for (const [unit, length] of [["d", DAY], ["h", HOUR], ["m", MINUTE]] as const) {
    if (span % length === 0 && !(unit === "d" && span === DAY)) return `${span / length}${unit}`;
  }
  return `${Math.round(span / 1000)}s`;
}

// Reads the search part of an address. What cannot be read is as if it were not there.
export function parseUrl(search: string): PageState {
  const given = new URLSearchParams(search);
  const state = defaultState();
  const view = VIEWS.find((name) => name === given.get("view"));
  if (view) state.view = view;
  state.filter = given.get("filter") ?? "";
  const alertState = given.get("state");
  if (alertState === "firing" || alertState === "resolved") state.state = alertState;
  state.query = given.get("query") ?? "";
  state.finalOnly = given.get("final") === "1";
  const window = parseSpan(given.get("window") ?? "");
  if (window !== undefined && window > 0 && window <= 3650 * DAY) state.window = window;
  state.columns = [...new Set((given.get("columns") ?? "").split(",").filter(Boolean))]
    .slice(0, COLUMNS_MAX);
  state.row = given.get("row") ?? "";
  return state;
}

// The search part of the address: "" for the defaults.
export function formatUrl(state: PageState): string {
  const parts = new URLSearchParams();
  if (state.view !== "joined") parts.set("view", state.view);
  if (state.filter.trim()) parts.set("filter", state.filter);
  if (state.state) parts.set("state", state.state);
  if (state.query) parts.set("query", state.query);
  if (state.finalOnly) parts.set("final", "1");
  if (state.window !== WINDOW_DEFAULT) parts.set("window", spanText(state.window));
  if (state.columns.length > 0) parts.set("columns", state.columns.join(","));
  if (state.row) parts.set("row", state.row);
  const text = parts.toString();
  return text ? `?${text}` : "";
}

// The parameters of the stream of joined rows that this state asks for.
export function streamParameters(state: PageState): URLSearchParams {
  const parts = new URLSearchParams();
  if (state.filter.trim()) parts.set("filter", state.filter);
  if (state.state) parts.set("state", `ALERT_STATE_${state.state.toUpperCase()}`);
  if (state.query) parts.set("query_name", state.query);
  if (state.finalOnly) parts.set("final_only", "true");
  parts.set("snapshot_window", `${state.window / 1000}s`);
  return parts;
}

// Whether the stream brings with a firing row also the one of its end: neither is left out, once it
// is there.
export function bringsEnds(state: PageState): boolean {
  return state.state === "" && !state.finalOnly;
}

// Whether two states ask for the same rows.
export function sameStream(a: PageState, b: PageState): boolean {
  return streamParameters(a).toString() === streamParameters(b).toString();
}
