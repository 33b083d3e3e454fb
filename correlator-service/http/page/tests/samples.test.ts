import assert from "node:assert/strict";
import {test} from "node:test";
import type {SeriesSamplesJson} from "../src/logic/api";
import {partShown, SAMPLES_SPAN, SampleStore, SERIES_KEPT_MAX} from "../src/logic/samples";
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
  store.fold([update("new", T0 + SAMPLES_SPAN)], 0);
  assert.equal(store.refused, 1);
  assert.ok(!names().has("new"), "the oldest may go on still");
  store.fold([update("new", T0 + SAMPLES_SPAN + 1)], 0);
  assert.equal(store.size, SERIES_KEPT_MAX);
  assert.ok(names().has("new") && !names().has("s0") && names().has("s1"));
});

test("a series without a sample in the plotted time leaves, and makes room", () => {
  const store = new SampleStore();
  for (let at = 0; at < SERIES_KEPT_MAX; at++) store.fold([update(`s${at}`, T0)], 0);
  store.fold([update("s1", T0 + 2), update("new", T0 + 2)], 0);
  assert.equal(store.refused, 1);
  assert.ok(!store.expire(T0), "the oldest stand at the edge");
  assert.ok(store.expire(T0 + 1));
  assert.deepEqual(store.series().map((one) => one.labels["name"]), ["s1"]);
  assert.equal(store.refused, 0);
  store.fold([update("new", T0 + 3)], 0);
  assert.equal(store.size, 2);
});

test("what is said of the part shown is true of the list and of the plot", () => {
  assert.equal(partShown(10, 0), "");
  assert.equal(partShown(37, 0), "The first 10 of 37 series are plotted.");
  assert.equal(partShown(201, 0), "The first 200 of 201 series are listed, and the first 10 plotted.");
  assert.equal(partShown(999, 3), "The first 200 of more than 999 series are listed, and the first 10 plotted.");
});
