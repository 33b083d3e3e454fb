// The columns of the front view: how each shows a row.

import {breaches, formatDistance, formatThreshold, formatValue} from "../logic/numbers";
import {MATCH_MEANINGS, type Row} from "../logic/rows";
import {visible} from "../logic/text";
import {formatDuration, formatFull, formatRowTime, type Zone} from "../logic/times";

export interface Shown {
  text: string;
  // Names of classes.
  kind?: string;
  // More, on hover.
  title?: string;
  // A second, weaker text.
  note?: string;
}

export interface ShowContext {
  zone: Zone;
  now: number;
}

export interface Column {
  key: string;
  title: string;
  hint: string;
  width: string;
  numeric?: boolean;
  show(row: Row, context: ShowContext): Shown;
}

// Four digits say what it was well enough; the value itself has more.
function rounded(value: number | undefined): number | undefined {
  return value === undefined || !Number.isFinite(value) ? value : Number(value.toPrecision(4));
}

function showValue(row: Row): Shown {
  const replaced = row.replaced;
  const note = replaced === undefined ? undefined
    : `was ${replaced.match === "matched" ? formatValue(rounded(replaced.value)) : replaced.match}`;
  const title = replaced === undefined ? "" :
    `Revision ${row.revision} replaced revision ${replaced.revision}`;
  if (row.match !== "matched") {
    const why = row.queryError ? `${MATCH_MEANINGS[row.match]}: ${row.queryError}` : MATCH_MEANINGS[row.match];
    return {text: "–", kind: "none", title: title ? `${why}\n${title}` : why, ...(note ? {note} : {})};
  }
  const breach = breaches(row.value, row.operator, row.threshold);
  return {
    text: formatValue(row.value),
    kind: breach === undefined ? "value" : breach ? "value breach" : "value within",
    title: row.value === undefined ? title : [String(row.value), title].filter(Boolean).join("\n"),
    ...(note ? {note} : {}),
  };
}

function showSent(row: Row): Shown {
  if (row.reported === undefined) return {text: ""};
  // The claim is of the alert's own expression: beside another query's value it says nothing.
  const own = row.threshold !== undefined && row.match === "matched";
  const differs = own && !Object.is(row.reported, row.value);
  return {
    text: formatValue(row.reported),
    kind: differs && row.state === "resolved" ? "sent differs" : "sent",
    title: differs && row.state === "resolved"
      ? "The notification repeats the last value that fired; the value when it resolved stands under Value"
      : "The value that the notification claims",
  };
}

export const COLUMNS: readonly Column[] = [
  {
    key: "time", title: "Time", hint: "When the alert fired or resolved", width: "8.4rem",
    show: (row, {zone, now}) => ({text: formatRowTime(row.eventTime, now, zone), title: formatFull(row.eventTime, zone)}),
  },
  {
    key: "state", title: "State", hint: "What the alert did", width: "6rem",
    show: (row) => ({text: row.state === "firing" ? "Firing" : "Resolved", kind: row.state}),
  },
  {
    key: "alert", title: "Alert", hint: "Label alertname", width: "minmax(9.4rem, 1.2fr)",
    show: (row) => ({text: visible(row.alertName) || "–", title: row.alertName}),
  },
  {
    key: "instance", title: "Instance", hint: "Label instance", width: "minmax(8.6rem, 1fr)",
    show: (row) => ({text: visible(row.instance) || "–", title: row.instance}),
  },
  {
    key: "query", title: "Query", hint: "The query whose value is shown", width: "minmax(8rem, 1.5fr)",
    show: (row) => ({text: visible(row.queryName) || "–", kind: "code", title: [row.queryName, row.querySource].filter(Boolean).join("\n")}),
  },
  {
    key: "value", title: "Value", hint: "What the metric was at that moment", width: "minmax(11rem, 0.9fr)", numeric: true,
    show: showValue,
  },
  {
    key: "threshold", title: "Threshold", hint: "What the alert's own rule compares with", width: "6rem", numeric: true,
    show: (row) => ({text: formatThreshold(row.operator, row.threshold)}),
  },
  {
    key: "distance", title: "Distance", hint: "Value less threshold, as a part of the threshold", width: "5.6rem", numeric: true,
    show: (row) => ({
      text: formatDistance(row.value, row.threshold),
      title: row.value === undefined || row.threshold === undefined ? "" : formatValue(row.value - row.threshold),
    }),
  },
  {
    key: "sent", title: "$value sent", hint: "The value that the notification itself claims", width: "6.9rem", numeric: true,
    show: showSent,
  },
  {
    key: "age", title: "Age", hint: "How old the sample was at that moment", width: "4.4rem", numeric: true,
    show: (row) => ({text: formatDuration(row.sampleAge)}),
  },
  {
    key: "match", title: "Match", hint: "Whether there is a value, and if not, why", width: "5.6rem",
    show: (row) => ({
      text: row.match, kind: row.match === "matched" ? "quiet" : "missing",
      title: row.queryError || MATCH_MEANINGS[row.match],
    }),
  },
  {
    key: "rev", title: "Rev", hint: "Revision: how often the row changed", width: "2.8rem", numeric: true,
    show: (row) => ({text: String(row.revision), title: row.cause && `Last change: ${row.cause}`}),
  },
  {
    key: "final", title: "Final", hint: "Whether no further revision is expected", width: "3.4rem",
    show: (row) => row.final
      ? {text: "yes", kind: "quiet"}
      : {text: "open", kind: "open", title: "The metrics source has not yet said that all samples came"},
  },
];

// Those that remain beside an open detail, which tells the rest.
const BESIDE_DETAIL = ["time", "state", "alert", "value", "threshold"];
export const COLUMNS_BESIDE_DETAIL = COLUMNS.filter((column) => BESIDE_DETAIL.includes(column.key));

export function labelColumn(name: string): Column {
  return {
    key: `label:${name}`, title: name, hint: `Label ${name}`, width: "minmax(6rem, 1fr)",
    show: (row) => ({text: visible(row.labels[name] ?? ""), title: row.labels[name] ?? ""}),
  };
}
