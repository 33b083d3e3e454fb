import assert from "node:assert/strict";
import {test} from "node:test";
import {formatMatcher, parseFilter, withMatcher} from "../src/logic/matchers";

test("matchers are read with and without quotes and braces", () => {
  for (const text of ['severity="page",job=~"api.*"', '{severity=page, job=~api.*}', ' severity = "page" , job =~ "api.*" ']) {
    assert.deepEqual(parseFilter(text), {ok: true, matchers: [
      {name: "severity", operator: "=", value: "page"}, {name: "job", operator: "=~", value: "api.*"}]}, text);
  }
  assert.deepEqual(parseFilter(""), {ok: true, matchers: []});
  assert.deepEqual(parseFilter("a="), {ok: true, matchers: [{name: "a", operator: "=", value: ""}]});
});

test("what is wrong is told with its column", () => {
  const cases: [string, number, string][] = [
    ["severity", 9, "one of"], ['a="b', 3, "never closed"], ["a=b c=d", 5, "comma"],
    ["=b", 1, "name"], ["{a=b", 5, "}"],
  ];
  for (const [text, column, words] of cases) {
    const parsed = parseFilter(text);
    assert.ok(!parsed.ok, text);
    assert.equal(parsed.column, column, text);
    assert.match(parsed.message, new RegExp(words));
  }
});

test("any value can be asked for, and comes back as it was", () => {
  for (const value of ['"', "\\", "a\nb", '<script>alert("x")</script>', "מעלה", "🔥,}", ""]) {
    const filter = withMatcher('job="api"', "queue", value);
    assert.deepEqual(parseFilter(filter), {ok: true, matchers: [
      {name: "job", operator: "=", value: "api"}, {name: "queue", operator: "=", value}]});
  }
});

test("asking for another value of a label replaces the first", () => {
  assert.equal(withMatcher('job="a", queue!="x"', "job", "b"), 'queue!="x", job="b"');
  assert.equal(formatMatcher({name: "a", operator: "!~", value: "b|c"}), 'a!~"b|c"');
});
