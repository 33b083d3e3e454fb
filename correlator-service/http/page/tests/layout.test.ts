import assert from "node:assert/strict";
import {test} from "node:test";
import {bucketLength, timeTicks} from "../src/logic/time_axis";
import {HOUR, MINUTE} from "../src/logic/times";
import {HEIGHT_MAX, moveByKey, scrollToShow, virtualWindow} from "../src/logic/virtual";
import {T0} from "./helpers";

test("every row in sight is made, whatever the position", () => {
  for (const total of [0, 1, 5, 37, 100_000]) {
    for (const top of [0, 1, 26, 27, 1000, total * 27]) {
      const window = virtualWindow(total, 27, top, 600, 4);
      assert.ok(window.first >= 0 && window.first + window.count <= total);
      assert.equal(window.height, Math.min(total * 27, HEIGHT_MAX));
      const first = Math.min(Math.floor(top / 27), Math.max(0, total - 23));
      assert.ok(window.first <= first);
      assert.ok(window.first + window.count >= Math.min(total, Math.ceil((Math.min(top, total * 27 - 600) + 600) / 27)));
      assert.ok(window.count <= Math.ceil(600 / 27) + 9);
    }
  }
});

test("keys move within the list, and the row comes into sight", () => {
  assert.equal(moveByKey("ArrowDown", -1, 5, 10), 0);
  assert.equal(moveByKey("ArrowDown", 4, 5, 10), 4);
  assert.equal(moveByKey("PageUp", 3, 5, 10), 0);
  assert.equal(moveByKey("End", 0, 5, 10), 4);
  assert.equal(moveByKey("x", 0, 5, 10), undefined);
  assert.equal(scrollToShow(0, 27, 100, 270), 0);
  assert.equal(scrollToShow(20, 27, 0, 270), 21 * 27 - 270);
  assert.equal(scrollToShow(5, 27, 100, 270), 100);
});

test("marks of time are round and not too many", () => {
  const ticks = timeTicks(T0 + 7_000, T0 + HOUR, 8, "utc");
  assert.deepEqual(ticks.map((tick) => tick.label), ["10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]);
  for (const span of [10_000, 5 * MINUTE, HOUR, 24 * HOUR, 30 * 24 * HOUR, 900 * 24 * HOUR]) {
    const marks = timeTicks(T0, T0 + span, 8, "utc");
    assert.ok(marks.length >= 2 && marks.length <= 9, `${span}: ${marks.length}`);
  }
  assert.deepEqual(timeTicks(5, 5, 8, "utc"), []);
  assert.equal(bucketLength(24 * HOUR, 96), 15 * MINUTE);
});
