// The marks of a time axis.

import {DAY, HOUR, MINUTE, SECOND, type Zone, formatClock, formatDate} from "./times";

export interface Tick {
  time: number;
  label: string;
}

const STEPS = [
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE,
  10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
  2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY,
];

function zoneOffset(time: number, zone: Zone): number {
  return zone === "utc" ? 0 : -new Date(time).getTimezoneOffset() * MINUTE;
}

// At most `ticksMax` round times in [from, to].
export function timeTicks(from: number, to: number, ticksMax: number, zone: Zone): Tick[] {
  if (!(to > from) || ticksMax < 1) return [];
  const step = STEPS.find((size) => (to - from) / size <= ticksMax) ??
    Math.ceil((to - from) / ticksMax / DAY) * DAY;
  const offset = zoneOffset(from, zone);
  const ticks: Tick[] = [];
  for (let time = Math.ceil((from + offset) / step) * step - offset; time <= to; time += step) {
    ticks.push({time, label: tickLabel(time, step, zone)});
  }
  return ticks.slice(0, ticksMax + 1);
}

function tickLabel(time: number, step: number, zone: Zone): string {
  const clock = formatClock(time, zone);
  if (step >= DAY || clock === "00:00:00") return formatDate(time, zone).slice(5);
  return step < MINUTE ? clock : clock.slice(0, 5);
}

// A length of buckets, out of round ones, of which [from, to) has at most `bucketsMax`.
export function bucketLength(window: number, bucketsMax: number): number {
  return STEPS.find((size) => window / size <= bucketsMax) ??
    Math.ceil(window / bucketsMax / DAY) * DAY;
}
