// Live samples, series by series, bounded in number, length and age.

import {type Labels, parseDouble, type SeriesSamplesJson} from "./api";
import {seriesName} from "./context";
import {formatCount} from "./numbers";
import {MINUTE, parseTime} from "./times";

export interface LiveSeries {
  key: string;
  name: string;
  source: string;
  query: string;
  labels: Labels;
  // Milliseconds, ascending.
  times: number[];
  // undefined: a stale marker.
  values: (number | undefined)[];
  // performance.now() of the last sample.
  changedAt: number;
}

export const SERIES_KEPT_MAX = 1_000;
export const SAMPLES_PER_SERIES_MAX = 1_500;
// So much time is plotted. A series whose newest sample is older has ended.
export const SAMPLES_SPAN = 15 * MINUTE;
// Of all series, by name, the first are listed and the very first plotted.
export const LISTED_MAX = 200;
export const PLOTTED_MAX = 10;

export class SampleStore {
  private readonly byKey = new Map<string, LiveSeries>();
  version = 0;
  // Updates of series that were left out, since there was room last.
  refused = 0;

  get size(): number {
    return this.byKey.size;
  }

  clear(): void {
    this.byKey.clear();
    this.refused = 0;
    this.version++;
  }

  // Drops the series without a sample since `cutoff`. Returns whether there were any.
  expire(cutoff: number): boolean {
    const before = this.byKey.size;
    for (const one of this.byKey.values()) if (lastTime(one) < cutoff) this.byKey.delete(one.key);
    if (this.byKey.size === before) return false;
    // Who was left out comes in with its next sample.
    this.refused = 0;
    this.version++;
    return true;
  }

  series(): LiveSeries[] {
    return [...this.byKey.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  fold(updates: readonly SeriesSamplesJson[], now: number): void {
    for (const update of updates) {
      const series = this.find(update);
      if (series === undefined) continue;
      for (const sample of update.samples ?? []) {
        const time = parseTime(sample.time);
        if (time !== undefined) insert(series, time, parseDouble(sample.value));
      }
      const excess = series.times.length - SAMPLES_PER_SERIES_MAX;
      if (excess > 0) {
        series.times.splice(0, excess);
        series.values.splice(0, excess);
      }
      series.changedAt = now;
      this.version++;
    }
  }

  private find(update: SeriesSamplesJson): LiveSeries | undefined {
    const query = update.series?.query ?? {};
    const labels = update.series?.labels ?? {};
    const sorted = Object.keys(labels).sort().map((name) => [name, labels[name]]);
    const key = JSON.stringify([query.source, query.name, query.expression, sorted]);
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    if (this.byKey.size >= SERIES_KEPT_MAX && !this.makeRoom(update)) {
      this.refused++;
      return undefined;
    }
    const series: LiveSeries = {
      key, name: seriesName(labels, query.name ?? ""), source: query.source ?? "",
      query: query.name ?? "", labels, times: [], values: [], changedAt: -Infinity,
    };
    this.byKey.set(key, series);
    return series;
  }

  // Takes away the series that ended first, if that is long before the samples that want its place.
  private makeRoom(update: SeriesSamplesJson): boolean {
    let oldest: LiveSeries | undefined;
    for (const one of this.byKey.values()) {
      if (oldest === undefined || lastTime(one) < lastTime(oldest)) oldest = one;
    }
    const newest = Math.max(...(update.samples ?? []).map((one) => parseTime(one.time) ?? -Infinity));
    return oldest !== undefined && newest - lastTime(oldest) > SAMPLES_SPAN && this.byKey.delete(oldest.key);
  }
}

// Says which part of so many series is shown; "" when it is all.
export function partShown(kept: number, refused: number): string {
  if (kept <= PLOTTED_MAX) return "";
  const all = `${refused > 0 ? "more than " : ""}${formatCount(kept)} series`;
  if (kept <= LISTED_MAX) return `The first ${PLOTTED_MAX} of ${all} are plotted.`;
  return `The first ${LISTED_MAX} of ${all} are listed, and the first ${PLOTTED_MAX} plotted.`;
}

function lastTime(series: LiveSeries): number {
  return series.times[series.times.length - 1] ?? -Infinity;
}

// Of two samples of one time the later counts.
function insert(series: LiveSeries, time: number, value: number | undefined): void {
  const {times, values} = series;
  let at = times.length;
  while (at > 0 && (times[at - 1] as number) > time) at--;
  if (at > 0 && times[at - 1] === time) {
    values[at - 1] = value;
  } else if (at === times.length) {
    times.push(time);
    values.push(value);
  } else {
    times.splice(at, 0, time);
    values.splice(at, 0, value);
  }
}
