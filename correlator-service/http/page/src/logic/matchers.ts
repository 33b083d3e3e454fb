// The filter's language, as far as the page helps with it: whether it can be right, where it is
// not, and adding one more matcher. The correlator has the last word.

export interface Matcher {
  name: string;
  operator: "=" | "!=" | "=~" | "!~";
  value: string;
}

export type ParsedFilter =
  | {ok: true; matchers: Matcher[]}
  | {ok: false; column: number; message: string};

const NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const OPERATOR = /=~|!~|!=|=/y;
const UNQUOTED = /[^\s,{}"]+/y;
const SPACE = /\s*/y;

class Reader {
  at = 0;
  constructor(readonly text: string) {}
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }
  skip(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }
  get ended(): boolean {
    return this.at >= this.text.length;
  }
}

// Reads matchers in Alertmanager's syntax: `severity="page",job=~"api.*"`, braces and quotes
// optional. Columns count from 1.
export function parseFilter(text: string): ParsedFilter {
  const reader = new Reader(text);
  const fail = (message: string): ParsedFilter => ({ok: false, column: reader.at + 1, message});
  const matchers: Matcher[] = [];
  reader.take(SPACE);
  const braces = reader.skip("{");
  reader.take(SPACE);
  while (!reader.ended && !(braces && reader.text[reader.at] === "}")) {
    const name = quoted(reader) ?? reader.take(NAME);
    if (name === undefined) return fail("a label name is missing");
    reader.take(SPACE);
    const operator = reader.take(OPERATOR) as Matcher["operator"] | undefined;
    if (operator === undefined) return fail("one of = != =~ !~ is missing");
    reader.take(SPACE);
    if (reader.text[reader.at] === '"') {
      const value = quoted(reader);
      if (value === undefined) return fail("the quote is never closed");
      matchers.push({name, operator, value});
    } else {
      matchers.push({name, operator, value: reader.take(UNQUOTED) ?? ""});
    }
    reader.take(SPACE);
    if (!reader.skip(",")) break;
    reader.take(SPACE);
  }
  if (braces && !reader.skip("}")) return fail("a } is missing");
  reader.take(SPACE);
  return reader.ended ? {ok: true, matchers} : fail("a comma is missing");
}

// A text in quotes; undefined, and nothing read, when there is none or it does not end.
function quoted(reader: Reader): string | undefined {
  if (reader.text[reader.at] !== '"') return undefined;
  let value = "";
  for (let at = reader.at + 1; at < reader.text.length; at++) {
    const character = reader.text[at] ?? "";
    if (character === '"') {
      reader.at = at + 1;
      return value;
    }
    if (character !== "\\") {
      value += character;
      continue;
    }
    at++;
    const escaped = reader.text[at];
    value += escaped === "n" ? "\n" : escaped === '"' || escaped === "\\" ? escaped : `\\${escaped ?? ""}`;
  }
  return undefined;
}

export function formatMatcher(matcher: Matcher): string {
  const value = matcher.value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `${matcher.name}${matcher.operator}"${value}"`;
}

// The filter that also asks for this label. A matcher for equality of the same label gives way.
export function withMatcher(filter: string, name: string, value: string): string {
  const parsed = parseFilter(filter);
  const kept = parsed.ok
    ? parsed.matchers.filter((m) => m.name !== name || m.operator !== "=")
    : [];
  return [...kept, {name, operator: "=", value} as Matcher].map(formatMatcher).join(", ");
}
