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

// The cases of tests/unit/common/text/matchers_test.cc.
test("what the correlator takes is taken, and means the same", () => {
  const cases: [string, Record<string, string>][] = [
    ["k8s.io-name:x=1", {"k8s.io-name:x": "1"}],
    ['"größe {cm}"=1', {"größe {cm}": "1"}],
    ["{alertname= Disk full ,a=b }", {alertname: "Disk full", a: "b"}],
    ["a=k=v", {a: "k=v"}],
    ["a=C:\\x", {a: "C:\\x"}],
    ["a=[x{y,", {a: "[x{y"}],
    ['a="x,y}z{ = "', {a: "x,y}z{ = "}],
    [" { } ", {}],
  ];
  for (const [text, labels] of cases) {
    assert.deepEqual(parseFilter(text), {ok: true, matchers: Object.entries(labels).map(
      ([name, value]) => ({name, operator: "=", value}))}, text);
  }
});

test("what is wrong is told with its column", () => {
  const cases: [string, number, string][] = [
    ["severity", 9, "one of"], ['a="b', 3, "never closed"], ["a=b c=d", 6, "comma"],
    ["=b", 1, "name"], ["{a=b", 5, "}"], ['a="b" c=d', 7, "comma"], ['a=b"c', 4, "quotes"], ["a==b", 2, "equality"],
    ['""=b', 1, "name"], ['"a=b', 1, "never closed"], ["1a=b", 1, "name"], ["a=b}", 4, "comma"],
    ["a=~~b", 4, "quotes"], ["a=b,,c=d", 5, "name"], ['"größe🔥"=1,=', 12, "name"], ["a\u00a0=b", 2, "one of"],
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

test("a label of any name can be asked for", () => {
  for (const name of ["k8s.io-name:x", "größe {cm}", 'say "a"', "1a", "a b", ".x"]) {
    assert.deepEqual(parseFilter(withMatcher("", name, "v")), {ok: true, matchers: [{name, operator: "=", value: "v"}]}, name);
  }
  assert.equal(withMatcher("", "k8s.io-name:x", "v"), 'k8s.io-name:x="v"');
  assert.equal(withMatcher("", "1a", "v"), '"1a"="v"');
});

test("a filter that cannot be read keeps what was written", () => {
  assert.equal(withMatcher('severity="page, job=~"a', "team", "edge"), 'severity="page, job=~"a, team="edge"');
});

test("asking for another value of a label replaces the first", () => {
  assert.equal(withMatcher('job="a", queue!="x"', "job", "b"), 'queue!="x", job="b"');
  assert.equal(formatMatcher({name: "a", operator: "!~", value: "b|c"}), 'a!~"b|c"');
});
