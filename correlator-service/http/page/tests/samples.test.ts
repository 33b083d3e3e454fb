import assert from "node:assert/strict";
import {test} from "node:test";
import type {SeriesSamplesJson} from "../src/logic/api";
import {GONE_AFTER, SampleStore, SERIES_KEPT_MAX} from "../src/logic/samples";
import {T0} from "./helpers";

function update(name: string, time: number): SeriesSamplesJson {
  return {
    series: {query: {source: "p", name: "q"}, labels: {name}},
    samples: [{time: new Date(time).toISOString(), value: 1}],
  };
}

test("beyond the limit a new series takes the place of one that ended long ago", () => {
  const store = new SampleStore();
  for (let at = 0; at < SERIES_KEPT_MAX; at++) store.fold([update(`s${at}`, T0 + at)], 0);
  const names = () => new Set(store.series().map((one) => one.labels["name"]));
  store.fold([update("new", T0 + GONE_AFTER)], 0);
  assert.equal(store.refused, 1);
  assert.ok(!names().has("new"), "the oldest may go on still");
  store.fold([update("new", T0 + GONE_AFTER + 1)], 0);
  assert.equal(store.size, SERIES_KEPT_MAX);
  assert.ok(names().has("new") && !names().has("s0") && names().has("s1"));
});
