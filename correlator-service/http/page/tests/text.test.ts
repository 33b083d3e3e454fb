import assert from "node:assert/strict";
import {test} from "node:test";
import {breaches, formatDistance, formatThreshold, formatValue} from "../src/logic/numbers";
import {visible} from "../src/logic/text";
import {formatAge, formatDuration, formatRowTime, formatSpan, parseDuration, parseSpan, parseTime} from "../src/logic/times";

test("values have six significant digits and an exponent only where it is needed", () => {
  const cases: [number | undefined, string][] = [
    [undefined, ""], [0, "0"], [74.821234, "74.8212"], [-0.5, "−0.5"], [NaN, "NaN"],
    [Infinity, "+Inf"], [-Infinity, "−Inf"], [1234567, "1234567"], [123456789, "1.23457e8"], [1.5e12, "1.5e12"],
    [0.00001234, "1.234e-5"], [0.1 + 0.2, "0.3"], [1e9, "1e9"],
  ];
  for (const [value, text] of cases) assert.equal(formatValue(value), text);
});

test("distances are parts of the threshold where that can be said", () => {
  assert.equal(formatDistance(112.5, 90), "+25.0 %");
  assert.equal(formatDistance(74.8, 90), "−16.9 %");
  assert.equal(formatDistance(90, 90), "0 %");
  assert.equal(formatDistance(5, 0), "+5");
  assert.equal(formatDistance(-50, -100), "+50.0 %");
  assert.equal(formatDistance(1e6, 1), "+1000000×");
  assert.equal(formatDistance(NaN, 1), "");
  assert.equal(formatDistance(undefined, 1), "");
  assert.equal(formatThreshold(">=", 0.5), "≥ 0.5");
  assert.equal(formatThreshold("", undefined), "");
});

test("a threshold is breached as its operator says", () => {
  assert.equal(breaches(2, ">", 1), true);
  assert.equal(breaches(1, ">", 1), false);
  assert.equal(breaches(1, ">=", 1), true);
  assert.equal(breaches(1, "!=", 1), false);
  assert.equal(breaches(undefined, ">", 1), undefined);
  assert.equal(breaches(1, "", 1), undefined);
});

test("durations are short", () => {
  const cases: [number, string][] = [
    [0, "0 s"], [0.4, "<1 ms"], [898, "898 ms"], [1500, "1.5 s"], [42_000, "42 s"],
    [185_000, "3 min 05 s"], [3_599_600, "1 h 00 min"], [7_800_000, "2 h 10 min"],
    [273_600_000, "3 d 4 h"], [-1500, "−1.5 s"],
  ];
  for (const [duration, text] of cases) assert.equal(formatDuration(duration), text);
  assert.equal(formatAge(400), "0 s");
  assert.equal(formatAge(3900), "3 s");
  assert.equal(formatSpan(86_400_000), "24 h");
  assert.equal(formatSpan(900_000), "15 min");
  assert.equal(formatSpan(7 * 86_400_000), "7 d");
});

test("times and durations of protobuf's JSON are read", () => {
  assert.equal(parseTime("2026-03-01T10:00:00.457Z"), 1772359200457);
  assert.equal(parseTime("2026-03-01T10:00:00.457123456Z"), 1772359200457);
  assert.equal(parseTime(undefined), undefined);
  assert.equal(parseTime("soon"), undefined);
  assert.equal(parseDuration("0.898s"), 898);
  assert.equal(parseDuration("-2s"), -2000);
  assert.equal(parseDuration("2m"), undefined);
  assert.equal(parseSpan("1h30m"), 5_400_000);
  assert.equal(parseSpan("1h 30m"), undefined);
});

test("a time of another day shows the day", () => {
  const time = Date.parse("2026-03-01T10:00:00.457Z");
  assert.equal(formatRowTime(time, time + 3_600_000, "utc"), "10:00:00.457");
  assert.equal(formatRowTime(time, time + 86_400_000, "utc"), "03-01 10:00:00.457");
});

test("what cannot be seen in a label becomes visible", () => {
  assert.equal(visible("plain 🔥 <b>"), "plain 🔥 <b>");
  assert.equal(visible("a\nb\u0000c"), "a␊b␀c");
  assert.equal(visible("\u202emoc"), "⟨202E⟩moc");
  assert.equal(visible("مرحبا"), "مرحبا");
});
