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

// As the correlator has it (common/text/matchers.cc): what it takes is not refused here.
const NAME = /[a-zA-Z_][a-zA-Z0-9_:.-]*/y;
const BARE_NAME = new RegExp(`^${NAME.source}$`);
const OPERATOR = /=~|!~|!=|=/y;
const UNQUOTED = /[^,}"]*/y;
const SPACE = /[ \t\n\r]*/y;
// A comma was forgotten before the matcher whose operator this is.
const NEXT_OPERATOR = /[ \t\n\r][^=]*=/;

const UNCLOSED = "the quote is never closed";

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
// optional. Columns count characters, from 1.
export function parseFilter(text: string): ParsedFilter {
  const reader = new Reader(text);
  const fail = (message: string): ParsedFilter => ({ok: false, column: [...text.slice(0, reader.at)].length + 1, message});
  const matchers: Matcher[] = [];
  reader.take(SPACE);
  const braces = reader.skip("{");
  reader.take(SPACE);
  while (!reader.ended && reader.text[reader.at] !== "}") {
    const start = reader.at;
    const name = quoted(reader) ?? reader.take(NAME);
    if (!name) {
      reader.at = start;
      return fail(name === undefined && text[start] === '"' ? UNCLOSED : "a label name is missing");
    }
    reader.take(SPACE);
    if (reader.text.startsWith("==", reader.at)) return fail("equality is =");
    const operator = reader.take(OPERATOR) as Matcher["operator"] | undefined;
    if (operator === undefined) return fail("one of = != =~ !~ is missing");
    reader.take(SPACE);
    const value = reader.text[reader.at] === '"' ? quoted(reader) ?? {problem: UNCLOSED} : unquoted(reader);
    if (typeof value !== "string") return fail(value.problem);
    matchers.push({name, operator, value});
    reader.take(SPACE);
    if (!reader.skip(",")) break;
    reader.take(SPACE);
  }
  if (braces && !reader.skip("}")) return fail("a } is missing");
  reader.take(SPACE);
  return reader.ended ? {ok: true, matchers} : fail("a comma is missing");
}

// A value without quotes: up to the next comma or brace, without the spaces around it. After a
// problem the reader stands where it is.
function unquoted(reader: Reader): string | {problem: string} {
  const start = reader.at;
  const value = reader.take(UNQUOTED) ?? "";
  if (/^[=~]/.test(value)) {
    reader.at = start;
    return {problem: "a value that starts with = or ~ needs quotes"};
  }
  const forgotten = NEXT_OPERATOR.exec(value);
  if (forgotten) {
    reader.at = start + forgotten.index + forgotten[0].length - 1;
    return {problem: 'a comma is missing before this matcher (a value with " =" in it needs quotes)'};
  }
  if (reader.text[reader.at] === '"') return {problem: "a value with quotes in it needs quotes"};
  return value.replace(/[ \t\n\r]+$/, "");
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

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

export function formatMatcher(matcher: Matcher): string {
  const name = BARE_NAME.test(matcher.name) ? matcher.name : quote(matcher.name);
  return name + matcher.operator + quote(matcher.value);
}

// The filter that also asks for this label. A matcher for equality of the same label gives way. One
// that cannot be read stays as it is, in front, so that it can be mended.
export function withMatcher(filter: string, name: string, value: string): string {
  const parsed = parseFilter(filter);
  const added = formatMatcher({name, operator: "=", value});
  if (!parsed.ok) return `${filter.trim()}, ${added}`;
  const kept = parsed.matchers.filter((m) => m.name !== name || m.operator !== "=");
  return [...kept.map(formatMatcher), added].join(", ");
}
