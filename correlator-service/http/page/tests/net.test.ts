import assert from "node:assert/strict";
import {test} from "node:test";
import {remedy} from "../src/logic/connection";
import {responseError} from "../src/net/connect";
import {Poll} from "../src/net/poll";

// A poll every 100 ms, whose answers come when the test wants.
function slowPoll() {
  const asked: {signal: AbortSignal; answer: () => void; fail: () => void}[] = [];
  const poll = new Poll(100, (signal) => new Promise<void>((resolve, reject) => {
    asked.push({signal, answer: resolve, fail: () => reject(new Error("no"))});
  }));
  return {poll, asked};
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a slow answer is waited for, and asked for again after it", async () => {
  const {poll, asked} = slowPoll();
  poll.start(0);
  for (let now = 50; now < 10_000; now += 50) poll.tick(now);
  assert.equal(asked.length, 1);
  assert.ok(!asked[0]?.signal.aborted);
  asked[0]?.answer();
  await settled();
  poll.tick(10_000);
  assert.equal(asked.length, 2);
  asked[1]?.fail();
  await settled();
  poll.tick(10_100);
  assert.equal(asked.length, 2, "it is not time yet");
  poll.tick(10_101);
  assert.equal(asked.length, 3);
});

test("another question takes the place of one, and none is wanted after the end", async () => {
  const {poll, asked} = slowPoll();
  poll.start(0);
  poll.start(1);
  assert.deepEqual(asked.map((one) => one.signal.aborted), [true, false]);
  asked[0]?.fail();
  await settled();
  poll.tick(1000);
  assert.equal(asked.length, 2, "the second is under way still");
  poll.stop();
  assert.ok(asked[1]?.signal.aborted);
  poll.tick(2000);
  assert.equal(asked.length, 3);
});

test("what only a proxy says ends no stream", async () => {
  for (const status of [404, 405, 501, 502, 503]) {
    for (const body of ["", "<html>not found</html>", "{}"]) {
      const error = await responseError(new Response(body, {status}));
      assert.equal(remedy(error.code, error.reason), "retry", `${status} ${body}`);
      assert.equal(error.message, `the server answered ${status}`);
    }
  }
  const body = JSON.stringify({code: "unimplemented", message: "no such method"});
  const error = await responseError(new Response(body, {status: 404}));
  assert.equal(remedy(error.code, error.reason), "give up");
});
