import assert from "node:assert/strict";
import {test} from "node:test";
import {Backlog, Conflation} from "../src/logic/conflation";
import {Connection, remedy, retryDelay, STALE_AFTER} from "../src/logic/connection";
import {ProgressBoard} from "../src/logic/progress";
import {T0} from "./helpers";

test("a connection goes from connecting over loading to live, and says when it is lost", () => {
  const connection = new Connection();
  assert.equal(connection.phase(0), "connecting");
  connection.opened(10);
  assert.equal(connection.phase(10), "loading");
  connection.snapshotComplete();
  assert.equal(connection.phase(20), "live");
  connection.lost("gone");
  assert.equal(connection.phase(30), "reconnecting");
  connection.opened(40);
  assert.equal(connection.phase(40), "live", "the token goes on: there is no second snapshot");
});

test("a connection that was let go rests until it is wanted again, and is no failure", () => {
  const connection = new Connection();
  connection.opened(0);
  connection.snapshotComplete();
  connection.rested();
  assert.equal(connection.phase(STALE_AFTER + 1), "resting");
  connection.woke();
  assert.equal(connection.phase(STALE_AFTER + 2), "reconnecting");
  assert.equal(connection.failures, 0);
  connection.opened(STALE_AFTER + 3);
  assert.equal(connection.phase(STALE_AFTER + 3), "live");
});

test("an open connection that is silent is stale until it is heard again", () => {
  const connection = new Connection();
  connection.opened(0);
  connection.snapshotComplete();
  assert.equal(connection.phase(STALE_AFTER), "live");
  assert.equal(connection.phase(STALE_AFTER + 1), "stale");
  assert.equal(connection.silence(STALE_AFTER + 1), STALE_AFTER + 1);
  connection.heard(STALE_AFTER + 2);
  assert.equal(connection.phase(STALE_AFTER + 3), "live");
});

test("tries come later and later, up to a limit, and begin anew once something was heard", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map((failures) => retryDelay(failures, 0)),
                   [500, 1000, 2000, 4000, 8000, 10000, 10000]);
  assert.equal(retryDelay(1, 0.999), 400);
  const connection = new Connection();
  connection.lost("a");
  connection.lost("b");
  assert.equal(connection.failures, 2);
  connection.opened(0);
  connection.heard(1);
  assert.equal(connection.failures, 2, "an answer may be an error still");
  connection.served();
  assert.equal(connection.failures, 0);
});

test("errors ask for what helps", () => {
  assert.equal(remedy("invalid_argument", "INVALID_FILTER"), "give up");
  assert.equal(remedy("invalid_argument", "INVALID_RESUME_TOKEN"), "restart");
  assert.equal(remedy("out_of_range", "RESUME_TOKEN_TOO_OLD"), "restart");
  assert.equal(remedy("unavailable", "STOPPING"), "retry");
  assert.equal(remedy("resource_exhausted", "SUBSCRIBER_TOO_SLOW"), "retry");
  assert.equal(remedy("unimplemented", ""), "give up");
});

test("a backlog is taken in order, by time, and says when it is full", () => {
  let clock = 0;
  const backlog = new Backlog<number>(10);
  for (let item = 0; item < 5; item++) backlog.push(item, 3);
  assert.ok(backlog.full);
  const taken: number[] = [];
  const take = (item: number) => {
    taken.push(item);
    clock += 4;
  };
  assert.ok(backlog.drain(take, 6, () => clock));
  assert.deepEqual(taken, [0, 1]);
  assert.ok(!backlog.full);
  assert.equal(backlog.length, 3);
  assert.ok(backlog.drain(take, 1000, () => clock));
  assert.deepEqual(taken, [0, 1, 2, 3, 4]);
  assert.ok(!backlog.drain(take, 1000, () => clock));
});

test("a view is drawn when something changed, and not too often", () => {
  const conflation = new Conflation(100);
  assert.ok(!conflation.due(0));
  conflation.want();
  assert.ok(conflation.due(1));
  conflation.want();
  assert.ok(!conflation.due(50));
  assert.ok(conflation.due(101));
  assert.ok(!conflation.due(500));
});

test("ages of progress hold whatever the browser's clock says", () => {
  const board = new ProgressBoard();
  assert.equal(board.ages(0), undefined);
  const query = (name: string, age: number) => ({
    query: {source: "p", name}, completeThrough: new Date(T0 - age).toISOString(),
  });
  board.take({sendTime: new Date(T0).toISOString(), queries: [query("a", 5000), query("b", 90_000)]}, 1000, T0 - 3_600_000);
  assert.deepEqual(board.ages(3000), {newest: 7000, oldest: 92_000, oldestName: "b"});
  assert.equal(board.clockOffset, 3_600_000);
});

test("the server's time goes on from its last message, and is not guessed before the first", () => {
  const board = new ProgressBoard();
  assert.equal(board.serverTime(5000), undefined);
  board.take({sendTime: new Date(T0).toISOString()}, 1000, T0 - 3_600_000);
  assert.equal(board.serverTime(3500), T0 + 2500);
});
