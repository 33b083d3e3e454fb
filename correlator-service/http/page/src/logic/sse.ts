// Server-sent events, from the text of a response to its messages
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
//
// Read here rather than by the browser's EventSource: its errors carry no reason, and it takes
// messages as fast as they come, whereas a reader of its own lets the server wait.

export interface SseMessage {
  event: string;
  data: string;
  // The last id that the stream has given so far.
  id: string;
}

// Longest line that is taken. A stream beyond it is not ours.
export const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;

export class SseParser {
  // Parts of a line that has not ended yet, so that a long one is joined once.
  private parts: string[] = [];
  private partsLength = 0;
  private event = "";
  private data: string[] = [];
  private id = "";

  // Takes the next part of the text and gives the messages that it completes.
  // Throws RangeError when a line is longer than LINE_CHARACTERS_MAX.
  push(chunk: string): SseMessage[] {
    const messages: SseMessage[] = [];
    let begin = 0;
    for (;;) {
      const end = chunk.indexOf("\n", begin);
      if (end < 0) break;
      let line = chunk.slice(begin, end);
      if (this.partsLength > 0) {
        this.parts.push(line);
        line = this.parts.join("");
        this.parts = [];
        this.partsLength = 0;
      }
      this.takeLine(line.endsWith("\r") ? line.slice(0, -1) : line, messages);
      begin = end + 1;
    }
    if (begin < chunk.length) {
      this.partsLength += chunk.length - begin;
      if (this.partsLength > LINE_CHARACTERS_MAX) {
        throw new RangeError("a line of the stream is too long");
      }
      this.parts.push(chunk.slice(begin));
    }
    return messages;
  }

  private takeLine(line: string, messages: SseMessage[]): void {
    if (line === "") {
      if (this.data.length > 0) {
        messages.push({event: this.event || "message", data: this.data.join("\n"), id: this.id});
      }
      this.event = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.id = value;
  }
}
