import assert from "node:assert/strict";
import {test} from "node:test";
import {Hold, HOLD_MAX} from "../src/logic/hold";

test("a movement holds for a while, and the same place again is none", () => {
  const hold = new Hold();
  assert.ok(!hold.holds(0), "what was there before the page is nobody's");
  hold.pointed(10, 20, 1000);
  assert.ok(hold.holds(1000 + HOLD_MAX - 1));
  hold.pointed(10, 20, 5000);
  assert.ok(!hold.holds(1000 + HOLD_MAX));
  hold.pressed(40_000);
  assert.ok(hold.holds(40_000 + HOLD_MAX - 1), "what is pressed is about to be clicked");
  hold.pointed(10, 21, 60_000);
  assert.ok(hold.holds(60_000));
});

test("the focus holds when it goes elsewhere, and not when it is put back", () => {
  const hold = new Hold();
  hold.focused("a", 0);
  hold.focused("a", 10_000);
  assert.ok(!hold.holds(HOLD_MAX));
  hold.focused("b", 20_000);
  assert.ok(hold.holds(20_000 + HOLD_MAX - 1));
});
