// How many alerts fired and resolved over time, as bars.

import type {AlertBucketJson} from "../logic/api";
import {formatCount} from "../logic/numbers";
import {timeTicks} from "../logic/time_axis";
import {formatFull, parseTime, type Zone} from "../logic/times";
import {h, svg} from "./dom";

const WIDTH = 1000;
const HEIGHT = 90;

export interface Bucket {
  start: number;
  fired: number;
  resolved: number;
}

// The buckets of all groups, added up.
export function sumBuckets(all: readonly (readonly AlertBucketJson[] | undefined)[]): Bucket[] {
  const byStart = new Map<number, Bucket>();
  for (const buckets of all) {
    for (const json of buckets ?? []) {
      const start = parseTime(json.start);
      if (start === undefined) continue;
      const bucket = byStart.get(start) ?? {start, fired: 0, resolved: 0};
      bucket.fired += json.fired ?? 0;
      bucket.resolved += json.resolved ?? 0;
      byStart.set(start, bucket);
    }
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

// The greatest number of a bucket, at least 1: what a chart's height stands for.
export function mostOf(buckets: readonly Bucket[]): number {
  return Math.max(1, ...buckets.map((bucket) => Math.max(bucket.fired, bucket.resolved)));
}

// What fired above the line, what resolved below it.
export function countsBars(buckets: readonly Bucket[], from: number, to: number, length: number,
                           zone: Zone, most: number, label: string): SVGElement {
  const x = (time: number) => ((time - from) / (to - from)) * WIDTH;
  const middle = HEIGHT / 2;
  const chart = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "counts", role: "img",
    "aria-label": label,
  });
  const width = Math.max(1, (length / (to - from)) * WIDTH - 1.5);
  for (const bucket of buckets) {
    const left = Math.max(0, x(bucket.start));
    const group = svg("g", {}, svg("title", {},
      `${formatFull(bucket.start, zone)}: ${formatCount(bucket.fired)} fired, ${formatCount(bucket.resolved)} resolved`));
    const up = (bucket.fired / most) * (middle - 2);
    const down = (bucket.resolved / most) * (middle - 2);
    group.append(svg("rect", {x: left, y: 0, width, height: HEIGHT, class: "hit"}),
      svg("rect", {x: left, y: middle - up, width, height: up, class: "fired"}),
      svg("rect", {x: left, y: middle + 1, width, height: down, class: "resolved"}));
    chart.append(group);
  }
  chart.append(svg("line", {x1: 0, x2: WIDTH, y1: middle + 0.5, y2: middle + 0.5, class: "axis"}));
  return chart;
}

export function countsChart(buckets: readonly Bucket[], from: number, to: number, length: number,
                            zone: Zone): HTMLElement {
  const most = mostOf(buckets);
  const chart = countsBars(buckets, from, to, length, zone, most,
                           `Alerts that fired and resolved over time, at most ${most} at once`);
  return h("div", {class: "counts-box"},
    h("div", {class: "counts-scale"}, h("span", {class: "firing", text: `▲ fired, at most ${formatCount(most)}`}), h("span", {class: "resolved", text: "▼ resolved"})),
    chart, axis(from, to, zone, 8));
}

// Marks of time below a chart that is as wide as its box.
export function axis(from: number, to: number, zone: Zone, ticksMax: number): HTMLElement {
  const element = h("div", {class: "time-axis", attrs: {"aria-hidden": "true"}});
  for (const tick of timeTicks(from, to, ticksMax, zone)) {
    const mark = h("span", {text: tick.label});
    const part = (tick.time - from) / (to - from);
    mark.style.left = `${part * 100}%`;
    if (part > 0.96) mark.className = "last";
    if (part < 0.03) mark.className = "first";
    element.append(mark);
  }
  return element;
}
