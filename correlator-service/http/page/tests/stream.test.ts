import assert from "node:assert/strict";
import {afterEach, beforeEach, mock, test} from "node:test";
import {LOOK_INTERVAL, SILENT_LOOKS_MAX} from "../src/logic/connection";
import {Stream} from "../src/net/stream";

// What a stream asked for, and the end of it that the test holds.
interface Asked {
  token: string | undefined;
  signal: AbortSignal;
  say: (text: string) => void;
}

let asked: Asked[];
let clock: number;
let stream: Stream;
let data: unknown[];
// How long the page takes over each message.
let slowness: number;

const PROLOGUE = "retry: 1000\n\n";
// The page's next turn where it has no frames.
const TURN = 250;
const realImmediate = setImmediate;
const settled = () => new Promise((resolve) => realImmediate(resolve));

function message(event: string, id: string, json: object): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(json)}\n\n`;
}

function fakeFetch(_url: unknown, init?: RequestInit): Promise<Response> {
  const signal = init?.signal as AbortSignal;
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({start: (one) => void (controller = one)});
  signal.addEventListener("abort", () => controller.error(signal.reason));
  asked.push({
    token: new Headers(init?.headers).get("Last-Event-ID") ?? undefined, signal,
    say: (text) => controller.enqueue(new TextEncoder().encode(text)),
  });
  return Promise.resolve(new Response(body));
}

// Time goes on, and what was sent is read and taken in between.
async function wait(looks: number): Promise<void> {
  for (let time = 0; time < looks * LOOK_INTERVAL; time += TURN) {
    clock += TURN;
    mock.timers.tick(TURN);
    await settled();
  }
}

async function say(text: string): Promise<void> {
  asked.at(-1)?.say(text);
  await settled();
}

beforeEach(async () => {
  asked = [];
  data = [];
  slowness = 0;
  clock = 1_000_000;
  mock.timers.enable();
  mock.method(performance, "now", () => clock);
  mock.method(Math, "random", () => 0);
  mock.method(globalThis, "fetch", fakeFetch);
  Object.assign(globalThis, {
    document: {hidden: false},
    requestAnimationFrame: () => 0,
    cancelAnimationFrame: () => undefined,
  });
  stream = new Stream("/stream", new URLSearchParams(), {
    reset: () => undefined, started: () => undefined, progress: () => undefined, gap: () => undefined,
    draw: () => undefined,
    data: (_event, json) => {
      data.push(json);
      clock += slowness;
    },
  });
  stream.open();
  await settled();
});

afterEach(() => {
  stream.close();
  mock.timers.reset();
  mock.restoreAll();
});

test("an open stream that falls silent is opened anew with its token", async () => {
  await say(PROLOGUE + message("started", "s", {}) + message("snapshot_complete", "c1", {}));
  await wait(SILENT_LOOKS_MAX - 1);
  assert.equal(stream.connection.phase(clock), "stale");
  assert.equal(asked.length, 1, "it may come to itself");
  await wait(2);
  assert.ok(asked[0]?.signal.aborted);
  assert.deepEqual(asked.map((one) => one.token), [undefined, "c1"]);
  await say(PROLOGUE + message("rows", "c2", {rows: [1]}));
  await wait(1);
  assert.equal(stream.connection.phase(clock), "live", "there is no second snapshot");
  assert.deepEqual(data, [{rows: [1]}]);
});

test("a try that is never answered is given up", async () => {
  mock.method(globalThis, "fetch", (_url: unknown, init?: RequestInit) => {
    asked.push({token: undefined, signal: init?.signal as AbortSignal, say: () => undefined});
    return new Promise<Response>(() => undefined);
  });
  stream.open();
  await wait(SILENT_LOOKS_MAX);
  assert.ok(asked.at(-1)?.signal.aborted);
  assert.equal(stream.connection.phase(clock), "reconnecting");
});

test("what is heard now and then is never given up, and a machine that slept is no silence", async () => {
  await say(PROLOGUE + message("snapshot_complete", "c1", {}));
  for (let round = 0; round < 5; round++) {
    await wait(SILENT_LOOKS_MAX - 2);
    await say(message("progress", "c1", {}));
  }
  clock += 3_600_000;
  await wait(1);
  assert.equal(stream.connection.phase(clock), "stale");
  assert.equal(asked.length, 1);
});

test("who wants it now gets another connection for a silent one, and none for one that is well", async () => {
  await say(PROLOGUE + message("snapshot_complete", "c7", {}));
  stream.retryNow();
  assert.equal(asked.length, 1);
  await wait(SILENT_LOOKS_MAX - 2);
  assert.equal(stream.connection.phase(clock), "stale");
  stream.retryNow();
  await settled();
  assert.ok(asked[0]?.signal.aborted);
  assert.deepEqual(asked.map((one) => one.token), [undefined, "c7"]);
  stream.rest();
  clock += 60_000;
  stream.retryNow();
  assert.equal(asked.length, 2, "what rests is not wanted");
});

test("while the page itself does not read, nothing is given up", async () => {
  slowness = 100;
  await say(PROLOGUE + message("rows", "c1", {rows: "x".repeat(200_000)}).repeat(120));
  await wait(2 * SILENT_LOOKS_MAX);
  assert.ok(data.length > 0 && data.length < 120, `it is at it still: ${data.length}`);
  assert.equal(asked.length, 1);
});

test("errors inside of an answer come later and later, until something else comes", async () => {
  const error = message("error", "", {code: "unavailable", message: "too many"});
  for (const delay of [500, 1000, 2000, 4000]) {
    await say(PROLOGUE + error);
    assert.equal(stream.connection.phase(clock), "reconnecting");
    assert.equal(stream.retryAt - clock, delay);
    const tries = asked.length;
    stream.retryNow();
    await settled();
    assert.equal(asked.length, tries + 1);
  }
  await say(PROLOGUE + message("progress", "c1", {}) + error);
  assert.equal(stream.retryAt - clock, 500);
});
