import assert from "node:assert/strict";
import {test} from "node:test";
import {parseContext, seriesName, valueRange} from "../src/logic/context";
import {bars, EpisodeStore, lanes} from "../src/logic/episodes";
import {grpcPlace, grpcurlCommand, pythonSnippet, safeUrl, sourceLink} from "../src/logic/links";
import {SAMPLES_PER_SERIES_MAX, SampleStore} from "../src/logic/samples";
import {alertJson, T0} from "./helpers";

const time = (offset: number) => new Date(T0 + offset).toISOString();

test("the chosen sample is the one at its index, and stale markers end the line", () => {
  const context = parseContext({series: [{
    series: {query: {name: "q"}, labels: {__name__: "queue", job: "x"}},
    samples: [{time: time(0), value: 1}, {time: time(1000), value: "NaN"}, {time: time(2000)}, {time: time(3000), value: 4}],
    chosenIndex: 3,
  }]});
  const series = context.series[0];
  assert.equal(series?.name, 'queue{job="x"}');
  assert.deepEqual(series?.values, [1, null, null, 4]);
  assert.deepEqual(series?.staleTimes, [T0 + 2000]);
  assert.deepEqual(series?.nanTimes, [T0 + 1000]);
  assert.deepEqual(series?.chosen, {time: T0 + 3000, value: 4});
});

test("index 0 is an index, and none is none", () => {
  const samples = [{time: time(0), value: 7}];
  assert.equal(parseContext({series: [{samples, chosenIndex: 0}]}).series[0]?.chosen?.value, 7);
  assert.equal(parseContext({series: [{samples}]}).series[0]?.chosen, undefined);
  assert.deepEqual(parseContext({}).series, []);
});

test("the threshold is in sight unless nothing else would be", () => {
  const [low, high] = valueRange([{values: [80, null, 95]}], 90);
  assert.ok(low < 80 && high > 95);
  const [, far] = valueRange([{values: [1, 2]}], 1000);
  assert.ok(far < 10);
  assert.deepEqual(valueRange([], undefined), [0, 1]);
  assert.equal(valueRange([{values: [0.1, 5]}], undefined)[0], 0);
});

test("names of series quote what they hold", () => {
  assert.equal(seriesName({}, "q"), "q");
  assert.equal(seriesName({a: 'b"c'}, ""), '{a="b\\"c"}');
});

test("only web addresses become links", () => {
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "", undefined, "http://user:pw@host/"]) {
    assert.equal(safeUrl(bad), undefined, String(bad));
  }
  const link = sourceLink("http://p:9090/graph?g0.expr=up+%3E+1&g0.tab=1", T0);
  assert.ok(link?.atTime);
  const url = new URL(link?.href ?? "");
  assert.equal(url.searchParams.get("g0.expr"), "up > 1");
  assert.equal(url.searchParams.get("g0.tab"), "0");
  assert.equal(url.searchParams.get("g0.end_input"), "2026-03-01 10:10:00");
  assert.equal(sourceLink("http://g/alerting/1", T0)?.atTime, false);
});

test("commands for copying quote hostile texts", () => {
  const place = {address: "h:1", tls: false};
  assert.equal(grpcurlCommand(place, "GetAlertContext", {row_id: "a'b"}),
    `grpcurl -plaintext -d '{"row_id":"a'\\''b"}' \\\n  h:1 alertjoin.v1.CorrelatorService/GetAlertContext`);
  const code = pythonSnippet(place, 'A"); import os #', "q\n", T0);
  assert.ok(code.includes('aj.samples("q\\n"'));
  assert.ok(code.includes('aj.joined(filter="alertname=\\"A\\\\\\"); import os #\\""'));
});

test("commands name the gRPC server as the reader of the page reaches it", () => {
  assert.deepEqual(grpcPlace("corr.example", undefined), {address: "corr.example:9750", tls: false});
  assert.equal(grpcPlace("corr.example", {port: 1234, tls: true, loopback: false}).address, "corr.example:1234");
  assert.equal(grpcPlace("corr.example", {port: 1234, loopback: true}).address, "127.0.0.1:1234", "nobody else reaches it");
  assert.equal(grpcPlace("[::2]", {port: 1234}).address, "[::2]:1234");
  const secure = {address: "h:1", tls: true};
  assert.match(grpcurlCommand(secure, "M", {}), /^grpcurl -cacert ca.pem -cert client.pem -key client.key -d/);
  assert.match(pythonSnippet(secure, "", "", T0), /connect\("h:1", credentials=alertjoin\.tls\("ca.pem", "client.pem", "client.key"\)\)/);
});

test("episodes fold by id, and lanes put what fires first", () => {
  const store = new EpisodeStore();
  store.fold([alertJson("e1", 1, T0), alertJson("e2", 2, T0 + 5000, T0 + 6000, "f2"), alertJson("e3", 3, T0 - 9000, T0 - 8000, "f2")]);
  store.fold([alertJson("e1", 0, T0, T0 + 1)]);
  let all = lanes(store.episodes(), T0 - 10_000, T0 + 10_000);
  assert.deepEqual(all.map((lane) => [lane.firing, lane.episodes.map((one) => one.id)]), [[true, ["e1"]], [false, ["e3", "e2"]]]);
  store.fold([alertJson("e1", 4, T0, T0 + 1000)]);
  all = lanes(store.episodes(), T0 - 10_000, T0 + 10_000);
  assert.deepEqual(all.map((lane) => lane.firing), [false, false]);
  assert.equal(lanes(store.episodes(), T0 + 20_000, T0 + 30_000).length, 0);
  store.fold([{...alertJson("e1", 5, T0), operation: "OPERATION_DELETE"}]);
  assert.equal(store.size, 2);
});

test("bars stand within the range, can be seen, and do not overlap", () => {
  const store = new EpisodeStore();
  store.fold([alertJson("a", 1, T0 - 5000, T0 + 100), alertJson("b", 2, T0 + 500, T0 + 501), alertJson("c", 3, T0 + 502, T0 + 503), alertJson("d", 4, T0 + 900)]);
  const result = bars([...store.episodes()], T0, T0 + 1000, 0.01);
  assert.deepEqual(result.map((bar) => bar.episodes.map((one) => one.id)), [["a"], ["b", "c"], ["d"]]);
  assert.equal(result[0]?.left, 0);
  assert.ok(Math.abs((result[0]?.width ?? 0) - 0.1) < 1e-9);
  assert.ok((result[1]?.width ?? 0) >= 0.01);
  assert.ok(Math.abs((result[2]?.left ?? 0) + (result[2]?.width ?? 0) - 1) < 1e-9);
});

test("samples stand by time, the later one of equal times counts, and there is a limit", () => {
  const store = new SampleStore();
  const update = (samples: {time: string; value?: number}[]) => [{series: {query: {name: "q"}, labels: {b: "1", a: "2"}}, samples}];
  store.fold(update([{time: time(2000), value: 2}, {time: time(0), value: 0}, {time: time(1000), value: 1}]), 1);
  store.fold(update([{time: time(1000), value: 9}, {time: time(3000)}]), 2);
  assert.deepEqual(store.series()[0]?.values, [0, 9, 2, undefined]);
  store.fold([{series: {query: {name: "q"}, labels: {a: "2", b: "1"}}, samples: [{time: time(4000), value: 5}]}], 3);
  assert.equal(store.size, 1, "the order of labels does not matter");
  store.fold(update(Array.from({length: 4000}, (_, at) => ({time: time(10_000 + at), value: at}))), 4);
  assert.equal(store.series()[0]?.times.length, SAMPLES_PER_SERIES_MAX);
  assert.equal(store.series()[0]?.values.at(-1), 3999);
});
