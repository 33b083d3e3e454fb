// The samples around a transition, as the detail draws them.

import {
  type AlertContextJson, type ContextSeriesJson, type Labels, type SampleJson, parseDouble,
} from "./api";
import {parseTime} from "./times";

export interface PlotSeries {
  name: string;
  query: string;
  labels: Labels;
  // Seconds since the epoch, as uPlot takes them. A null is a stale marker or NaN: the line ends.
  times: number[];
  values: (number | null)[];
  // Milliseconds.
  staleTimes: number[];
  nanTimes: number[];
  // The sample that answers the row's question.
  chosen: {time: number; value: number | undefined} | undefined;
  samples: number;
}

export interface Context {
  series: PlotSeries[];
  truncated: boolean;
}

// Series drawn. More than that is no picture.
export const SERIES_MAX = 12;

// `name{a="b",c="d"}`, as Prometheus writes it.
export function seriesName(labels: Labels | undefined, fallback: string): string {
  const names = Object.keys(labels ?? {}).filter((name) => name !== "__name__").sort();
  const metric = labels?.["__name__"] ?? fallback;
  if (names.length === 0) return metric || "{}";
  return `${metric}{${names.map((name) => `${name}=${JSON.stringify(labels?.[name])}`).join(", ")}}`;
}

interface Columns {
  times: number[];
  values: (number | null)[];
  staleTimes: number[];
  nanTimes: number[];
}

// Samples in columns. What has no time is left out.
export function sampleColumns(samples: readonly SampleJson[]): Columns {
  const columns: Columns = {times: [], values: [], staleTimes: [], nanTimes: []};
  for (const sample of samples) {
    const time = parseTime(sample.time);
    if (time === undefined) continue;
    const value = parseDouble(sample.value);
    columns.times.push(time / 1000);
    columns.values.push(value !== undefined && Number.isFinite(value) ? value : null);
    if (value === undefined) columns.staleTimes.push(time);
    else if (Number.isNaN(value)) columns.nanTimes.push(time);
  }
  return columns;
}

function plotSeries(json: ContextSeriesJson): PlotSeries {
  const samples = json.samples ?? [];
  const columns = sampleColumns(samples);
  const chosen = json.chosenIndex === undefined ? undefined : samples[json.chosenIndex];
  const chosenTime = parseTime(chosen?.time);
  return {
    name: seriesName(json.series?.labels, json.series?.query?.name ?? ""),
    query: json.series?.query?.name ?? "",
    labels: json.series?.labels ?? {},
    ...columns,
    chosen: chosenTime === undefined
      ? undefined
      : {time: chosenTime, value: parseDouble(chosen?.value)},
    samples: samples.length,
  };
}

export function parseContext(json: AlertContextJson): Context {
  const all = (json.series ?? []).map(plotSeries);
  return {
    series: all.slice(0, SERIES_MAX),
    truncated: (json.truncated ?? false) || all.length > SERIES_MAX,
  };
}

// The range of the vertical axis: all values, and the threshold when it is not so far away that
// nothing else could be seen.
export function valueRange(series: readonly {values: readonly (number | null)[]}[],
                           threshold: number | undefined): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const {values} of series) {
    for (const value of values) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return threshold === undefined ? [0, 1] : [threshold - 1, threshold + 1];
  if (threshold !== undefined && Number.isFinite(threshold)) {
    const span = Math.max(high - low, Math.abs(high) * 0.01);
    const distance = Math.max(low - threshold, threshold - high, 0);
    if (span === 0 || distance < 20 * span) {
      low = Math.min(low, threshold);
      high = Math.max(high, threshold);
    }
  }
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}
