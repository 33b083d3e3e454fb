import assert from "node:assert/strict";
import {test} from "node:test";
import {bringsEnds, defaultState, formatUrl, type PageState, parseUrl, sameStream, streamParameters} from "../src/logic/url_state";

test("a state survives its address", () => {
  const states: Partial<PageState>[] = [
    {}, {view: "alerts", window: 3_600_000}, {filter: 'a="b&c=d#<e>", f=~"🔥+"', state: "resolved"},
    {query: "sum by (job) (x) > 1", finalOnly: true, window: 90_000}, {columns: ["team", "queue"], row: "r/1+2="},
  ];
  for (const patch of states) {
    const state = {...defaultState(), ...patch};
    assert.deepEqual(parseUrl(formatUrl(state)), state);
  }
  assert.equal(formatUrl(defaultState()), "");
});

test("what cannot be read is as if it were not there", () => {
  assert.deepEqual(parseUrl("?view=admin&state=odd&window=-3h&window=x&columns=,,"), defaultState());
});

test("a choice of states or of final rows may leave out an alert's end", () => {
  const state = defaultState();
  assert.ok(bringsEnds({...state, filter: "a=b", query: "q"}));
  for (const patch of [{state: "firing"}, {state: "resolved"}, {finalOnly: true}] as Partial<PageState>[]) {
    assert.ok(!bringsEnds({...state, ...patch}), JSON.stringify(patch));
  }
});

test("only what the stream depends on asks for another one", () => {
  const state = defaultState();
  assert.ok(sameStream(state, {...state, row: "x", columns: ["a"], view: "alerts"}));
  for (const patch of [{filter: "a=b"}, {state: "firing"}, {query: "q"}, {finalOnly: true}, {window: 60_000}] as Partial<PageState>[]) {
    assert.ok(!sameStream(state, {...state, ...patch}), JSON.stringify(patch));
  }
  assert.equal(streamParameters({...state, state: "firing", finalOnly: true}).toString(),
               "state=ALERT_STATE_FIRING&final_only=true&snapshot_window=86400s");
});
