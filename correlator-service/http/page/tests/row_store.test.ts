import assert from "node:assert/strict";
import {test} from "node:test";
import {RowStore} from "../src/logic/row_store";
import {rowJson, type RowSpec, seededRandom, T0} from "./helpers";

function ids(store: RowStore): string[] {
  return store.settled().map((row) => row.id);
}

test("rows stand in the order of their event times, whatever order they come in", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "b", sequence: 1, time: T0 + 2}), rowJson({id: "a", sequence: 2, time: T0})], 0);
  assert.deepEqual(ids(store), ["a", "b"]);
  store.fold([rowJson({id: "c", sequence: 3, time: T0 + 1})], 0);
  assert.deepEqual(ids(store), ["a", "c", "b"]);
});

test("a revision replaces the row and says what it replaced", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "a", sequence: 1, value: 93.5})], 0);
  const row = store.settled()[0];
  store.fold([rowJson({id: "a", sequence: 2, revision: 2, value: 74.8})], 77);
  assert.equal(store.size, 1);
  assert.equal(store.settled()[0], row, "views hold the row itself");
  assert.equal(row?.value, 74.8);
  assert.deepEqual(row?.replaced, {revision: 1, match: "matched", value: 93.5});
  assert.equal(row?.changedAt, 77);
});

test("a revision with the same value keeps what was replaced before", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "a", sequence: 1, value: 1}), rowJson({id: "a", sequence: 2, revision: 2, value: 2})], 5);
  store.fold([rowJson({id: "a", sequence: 3, revision: 3, value: 2})], 9);
  assert.deepEqual(store.get("a")?.replaced, {revision: 1, match: "matched", value: 1});
  assert.equal(store.get("a")?.changedAt, 5);
});

test("NaN is a value that equals itself, and no value is not zero", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "a", sequence: 1, value: "NaN"}), rowJson({id: "a", sequence: 2, revision: 2, value: "NaN"})], 5);
  assert.ok(Number.isNaN(store.get("a")?.value));
  assert.equal(store.get("a")?.replaced, undefined);
  store.fold([rowJson({id: "b", sequence: 3}), rowJson({id: "b", sequence: 4, value: 0})], 6);
  assert.equal(store.get("b")?.replaced?.match, "no sample");
  assert.equal(store.get("b")?.value, 0);
});

test("an older change than the known one changes nothing", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "a", sequence: 5, value: 2}), rowJson({id: "a", sequence: 4, value: 1})], 0);
  assert.equal(store.get("a")?.value, 2);
  store.fold([rowJson({id: "a", sequence: 3, deleted: true})], 0);
  assert.equal(store.size, 1);
});

test("DELETE removes the row, one that was never sent means nothing, and it may come back", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "x", sequence: 1, deleted: true}), rowJson({id: "a", sequence: 2, value: 1})], 0);
  assert.deepEqual(ids(store), ["a"]);
  store.fold([rowJson({id: "a", sequence: 3, deleted: true})], 0);
  assert.deepEqual(ids(store), []);
  store.fold([rowJson({id: "a", sequence: 4, revision: 1, value: 3})], 0);
  assert.deepEqual(ids(store), ["a"]);
});

test("a row whose event time is amended moves", () => {
  const store = new RowStore();
  store.fold([rowJson({id: "a", sequence: 1, time: T0, value: 1}), rowJson({id: "b", sequence: 2, time: T0 + 10})], 0);
  assert.deepEqual(ids(store), ["a", "b"]);
  store.fold([rowJson({id: "a", sequence: 3, revision: 2, time: T0 + 20, value: 2})], 0);
  assert.deepEqual(ids(store), ["b", "a"]);
  assert.equal(store.get("a")?.replaced?.value, 1);
});

test("beyond its limit the oldest rows leave", () => {
  const store = new RowStore(10);
  const rows = Array.from({length: 3000}, (_, at) => rowJson({id: `r${at}`, sequence: at + 1, time: T0 + at}));
  store.fold(rows, 0);
  assert.equal(store.settled().length, 10);
  assert.equal(store.settled()[0]?.id, "r2990");
  assert.equal(store.size, 10);
  assert.equal(store.evicted, 2990);
  const {insertions} = store;
  store.fold([rowJson({id: "r5", sequence: 4000, revision: 2, time: T0 + 5, value: 1})], 0);
  assert.equal(store.insertions, insertions, "a change of what has left is no new row");
  assert.equal(store.settled()[0]?.id, "r2990");
  store.clear();
  store.fold([rowJson({id: "r5", sequence: 4001, time: T0 + 5})], 0);
  assert.equal(store.settled().length, 1);
});

test("rows that grew too old leave, and what still comes of them brings none back", () => {
  const store = new RowStore();
  store.fold(["a", "b", "c", "d"].map((id, at) => rowJson({id, sequence: at + 1, time: T0 + at})), 0);
  assert.ok(!store.expire(T0));
  assert.ok(store.expire(T0 + 1.5));
  assert.deepEqual(ids(store), ["c", "d"]);
  assert.equal(store.size, 2);
  assert.equal(store.evicted, 0, "the window says why");
  const {insertions, version} = store;
  store.fold([rowJson({id: "b", sequence: 9, revision: 2, time: T0 + 1, value: 1}), rowJson({id: "a", sequence: 10, time: T0, deleted: true})], 0);
  assert.deepEqual([ids(store), store.insertions, store.version], [["c", "d"], insertions, version]);
  store.fold([rowJson({id: "a", sequence: 11, revision: 3, time: T0 + 5, value: 1})], 0);
  assert.deepEqual(ids(store), ["c", "d", "a"], "one that was amended to a time within the window is there again");
  store.fold([rowJson({id: "d", sequence: 12, revision: 2, time: T0 - 7, value: 1})], 0);
  assert.ok(store.expire(T0 + 1.5), "one that was amended to a time before it leaves");
  assert.deepEqual(ids(store), ["c", "a"]);
  store.clear();
  store.fold([rowJson({id: "b", sequence: 13, time: T0 + 1})], 0);
  assert.deepEqual(ids(store), ["b"], "a longer window begins anew");
});

test("rows leave by age at every place of the order", () => {
  for (let size = 0; size < 6; size++) {
    for (let cutoff = -1; cutoff <= size + 1; cutoff++) {
      const store = new RowStore();
      // Two of each time.
      for (let at = 0; at < 2 * size; at++) store.fold([rowJson({id: `r${at}`, sequence: at + 1, time: T0 + (at >> 1)})], 0);
      store.expire(T0 + cutoff);
      assert.equal(store.settled().length, 2 * Math.min(size, Math.max(0, size - cutoff)), `${size} ${cutoff}`);
      assert.ok(store.settled().every((row) => row.eventTime >= T0 + cutoff));
    }
  }
});

test("the oldest rows leave also while nobody looks", () => {
  const store = new RowStore(10);
  for (let at = 0; at < 20_000; at++) {
    store.fold([rowJson({id: `r${at}`, sequence: at + 1, time: T0 + at})], 0);
    assert.ok(store.size <= 10 + 2 * 2_000 + 2);
  }
  assert.equal(store.insertions, 20_000);
});

test("labels named like parts of an object are labels", () => {
  const store = new RowStore();
  const labels = JSON.parse('{"__proto__":"p","constructor":"c","alertname":"A"}') as Record<string, string>;
  store.fold([rowJson({id: "a", sequence: 1, labels})], 0);
  assert.equal(store.get("a")?.labels["__proto__"], "p");
  assert.equal(store.get("a")?.labels["constructor"], "c");
  assert.equal(store.get("a")?.labels["toString"], undefined);
});

// The plain rules: the last change of each row by sequence, sorted.
test("any run of changes gives what a plain fold gives", () => {
  const random = seededRandom();
  const store = new RowStore();
  const plain = new Map<string, RowSpec>();
  for (let sequence = 1; sequence <= 3000; sequence++) {
    const spec: RowSpec = {
      id: `r${Math.floor(random() * 60)}`, sequence, time: T0 + Math.floor(random() * 40),
      value: Math.floor(random() * 3), deleted: random() < 0.25,
    };
    store.fold([rowJson(spec)], sequence);
    if (spec.deleted) plain.delete(spec.id);
    else plain.set(spec.id, spec);
    if (random() < 0.1) {
      const expected = [...plain.values()].sort((a, b) => (a.time ?? 0) - (b.time ?? 0) || (a.id < b.id ? -1 : 1));
      assert.deepEqual(store.settled().map((row) => [row.id, row.eventTime, row.value]),
                       expected.map((one) => [one.id, one.time, one.value]));
    }
  }
});
