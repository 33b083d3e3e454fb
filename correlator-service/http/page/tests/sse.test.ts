import assert from "node:assert/strict";
import {test} from "node:test";
import {SseParser} from "../src/logic/sse";

const TEXT = "retry: 1000\n\n: a comment\nevent: rows\nid: t1\ndata: {\"rows\":[]}\n\n" +
  "event: progress\r\nid: t2\r\ndata:{\"a\":1}\r\n\r\ndata: x\ndata: y\n\nevent: none\n\n";
const EXPECTED = [
  {event: "rows", id: "t1", data: '{"rows":[]}'},
  {event: "progress", id: "t2", data: '{"a":1}'},
  {event: "message", id: "t2", data: "x\ny"},
];

test("messages come out of a stream", () => {
  assert.deepEqual(new SseParser().push(TEXT), EXPECTED);
});

test("it does not matter where the parts of the text end", () => {
  for (let size = 1; size < TEXT.length; size++) {
    const parser = new SseParser();
    const messages = [];
    for (let at = 0; at < TEXT.length; at += size) messages.push(...parser.push(TEXT.slice(at, at + size)));
    assert.deepEqual(messages, EXPECTED, `parts of ${size}`);
  }
});

test("a message that has not ended does not count", () => {
  assert.deepEqual(new SseParser().push("event: rows\ndata: {}\n"), []);
});
