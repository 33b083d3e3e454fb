// Times and durations: read from protobuf's JSON, written for people. All times are milliseconds
// since the Unix epoch, all durations milliseconds.

export type Zone = "utc" | "local";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

// An RFC 3339 time; undefined where there is none.
export function parseTime(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

// A duration as protobuf's JSON writes it ("-1.5s"); undefined where there is none.
export function parseDuration(text: string | undefined): number | undefined {
  if (!text || !/^-?\d+(\.\d+)?s$/.test(text)) return undefined;
  return Math.round(Number(text.slice(0, -1)) * 1e6) / 1e3;
}

// As protobuf's JSON reads it.
export function durationJson(duration: number): string {
  return `${duration / 1000}s`;
}

export function timeJson(time: number): string {
  return new Date(time).toISOString();
}

interface Fields {
  year: number; month: number; day: number;
  hour: number; minute: number; second: number; milli: number;
}

function fields(time: number, zone: Zone): Fields {
  const date = new Date(time);
  return zone === "utc"
    ? {
        year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
        hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(),
        milli: date.getUTCMilliseconds(),
      }
    : {
        year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate(),
        hour: date.getHours(), minute: date.getMinutes(), second: date.getSeconds(),
        milli: date.getMilliseconds(),
      };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

// 2026-03-01
export function formatDate(time: number, zone: Zone): string {
  const f = fields(time, zone);
  return `${pad(f.year, 4)}-${pad(f.month, 2)}-${pad(f.day, 2)}`;
}

// 10:00:00, with `millis` 10:00:00.457
export function formatClock(time: number, zone: Zone, millis = false): string {
  const f = fields(time, zone);
  const clock = `${pad(f.hour, 2)}:${pad(f.minute, 2)}:${pad(f.second, 2)}`;
  return millis ? `${clock}.${pad(f.milli, 3)}` : clock;
}

// A time in a table: the clock when it is of the day of `now`, with the day before it otherwise.
export function formatRowTime(time: number, now: number, zone: Zone): string {
  const clock = formatClock(time, zone, true);
  const day = formatDate(time, zone);
  return day === formatDate(now, zone) ? clock : `${day.slice(5)} ${clock}`;
}

// 2026-03-01 10:00:00.457 UTC
export function formatFull(time: number, zone: Zone): string {
  return `${formatDate(time, zone)} ${formatClock(time, zone, true)}${zone === "utc" ? " UTC" : ""}`;
}

// How long ago, or how long: "0.9 s", "42 s", "3 min 05 s", "2 h 10 min", "3 d 4 h".
export function formatDuration(duration: number | undefined): string {
  if (duration === undefined || Number.isNaN(duration)) return "";
  if (duration < 0) return `−${formatDuration(-duration)}`;
  if (duration === 0) return "0 s";
  if (duration < 1) return "<1 ms";
  if (duration < SECOND) return `${Math.round(duration)} ms`;
  if (duration < 9950) return `${(duration / SECOND).toFixed(1)} s`;
  const seconds = Math.round(duration / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60, 2)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60, 2)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// A round length of time without its empty part: "24 h", "7 d".
export function formatSpan(duration: number): string {
  if (duration === DAY) return "24 h";
  return formatDuration(duration).replace(/\.0 s$/, " s").replace(/ 00 (min|s)$/, "").replace(/ 0 h$/, "");
}

// As formatDuration, in whole seconds below a minute: for figures that change all the time.
export function formatAge(duration: number): string {
  if (duration < SECOND) return "0 s";
  return formatDuration(Math.floor(duration / SECOND) * SECOND).replace(/\.0 s$/, " s");
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY,
};

// A duration as people write it in Prometheus: "90s", "1h30m", "7d"; undefined when it is none.
export function parseSpan(text: string): number | undefined {
  if (!/^(\d+(ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g)) {
    total += Number(count) * (UNITS[unit ?? ""] ?? 0);
  }
  return total;
}
