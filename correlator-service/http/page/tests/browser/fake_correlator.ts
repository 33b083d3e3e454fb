// A correlator's HTTP port as far as the page uses it, with as many rows, as fast and as hostile as a
// test wants. It keeps the promises of the real one: resume by token, nothing missed or doubled.

import {createServer, type IncomingMessage, type Server, type ServerResponse} from "node:http";
import type {AddressInfo, Socket} from "node:net";
import type {JoinedRowJson} from "../../src/logic/api";
import * as generated from "./generated";

export interface PageFile {
  path: string;
  type: string;
  body: Buffer;
}

export interface FakeOptions {
  page: readonly PageFile[];
  // The rows of the snapshot, less those whose time has not come yet.
  rows?: number;
  // Time of the first row; by default so that the last one is now.
  base?: number;
}

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const BATCH = 400;
// Changes that a token can still continue from.
const CHANGES_KEPT = 1_000;

interface Client {
  response: ServerResponse;
  filter: (row: JoinedRowJson) => boolean;
  live: boolean;
}

export class FakeCorrelator {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly clients = new Set<Client>();
  private readonly changes: JoinedRowJson[][] = [];
  private timers: NodeJS.Timeout[] = [];
  private port = 0;
  readonly base: number;
  // Rows of later times are never shown: what there is does not depend on when it is asked for.
  private readonly made = Date.now();
  // Rows that came or changed later, by id; undefined: deleted. All others are as they were made.
  private readonly changed = new Map<string, JoinedRowJson | undefined>();
  // Of each stream that was opened: its Last-Event-ID.
  readonly tokens: string[] = [];
  sequence = 0;
  // What it says of its gRPC server.
  grpc = {port: 19750, tls: false, loopback: true};
  // No progress is sent: the connection is open and silent.
  silent = false;
  // Half of the alerts come only then.
  restOfAlerts: Promise<void> | undefined;

  constructor(private readonly options: FakeOptions) {
    const rows = options.rows ?? 0;
    this.base = options.base ?? Date.now() - (rows / 2) * 41_000 - 30_000;
    this.sequence = rows;
  }

  // Streams of rows that are open.
  get streams(): number {
    return this.clients.size;
  }

  // The rows as they are now.
  *rows(): Generator<JoinedRowJson> {
    for (let number = 0; number < (this.options.rows ?? 0); number++) {
      if (this.changed.has(`row-${number}`)) continue;
      const row = generated.makeRow(number, this.base, number + 1);
      if (Date.parse(row.transition?.eventTime ?? "") <= this.made) yield row;
    }
    for (const row of this.changed.values()) if (row) yield row;
  }

  row(id: string): JoinedRowJson | undefined {
    if (this.changed.has(id)) return this.changed.get(id);
    const number = Number(id.replace("row-", ""));
    return number < (this.options.rows ?? 0) ? generated.makeRow(number, this.base, number + 1) : undefined;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
    this.timers.push(setInterval(() => this.sendProgress(), 500));
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    for (const socket of this.sockets) socket.destroy();
    this.clients.clear();
    await new Promise<void>((resolve) => this.server ? this.server.close(() => resolve()) : resolve());
  }

  // Makes changes, and sends them to whom they concern.
  push(rows: JoinedRowJson[]): void {
    this.sequence++;
    for (const row of rows) {
      row.sequence = String(this.sequence);
      this.changed.set(row.rowId ?? "", row.operation === "OPERATION_DELETE" ? undefined : row);
    }
    this.changes.push(rows);
    if (this.changes.length > CHANGES_KEPT) this.changes[this.changes.length - CHANGES_KEPT - 1] = [];
    for (const client of this.clients) if (client.live) this.sendChange(client, this.changes.length - 1);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const file = this.options.page.find((one) => one.path === url.pathname);
    if (file) {
      response.writeHead(200, {"Content-Type": file.type, "Content-Security-Policy": CSP});
      response.end(file.body);
    } else if (url.pathname === "/assets/grpc.json") {
      response.writeHead(200, {"Content-Type": "application/json"}).end(JSON.stringify(this.grpc));
    } else if (url.pathname === "/api/v1/stream") {
      await this.streamRows(url, request, response);
    } else if (url.pathname === "/api/v1/stream/alerts" || url.pathname === "/api/v1/stream/samples") {
      await this.streamOther(url, response);
    } else if (request.method === "POST") {
      const body = await readBody(request);
      this.answer(url.pathname.split("/").at(-1) ?? "", JSON.parse(body) as Record<string, unknown>, response);
    } else {
      response.writeHead(404).end();
    }
  }

  private open(response: ServerResponse): void {
    response.writeHead(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store"});
    response.write("retry: 1000\n\n");
  }

  private async streamRows(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open(response);
    const filterText = url.searchParams.get("filter") ?? "";
    if (filterText.includes("refuse=")) {
      send(response, "error", "", {
        code: "invalid_argument", message: "filter: column 1: refused for a test",
        details: [{type: "google.rpc.ErrorInfo", debug: {reason: "INVALID_FILTER", domain: "alertjoin"}}],
      });
      response.end();
      return;
    }
    const token = String(request.headers["last-event-id"] ?? "");
    this.tokens.push(token);
    const client: Client = {response, filter: makeFilter(filterText, url.searchParams.get("state") ?? ""), live: false};
    this.clients.add(client);
    response.on("close", () => this.clients.delete(client));
    send(response, "started", token || "s0", {storeId: "fake", sequence: String(this.sequence), version: "fake"});
    let from = this.changes.length;
    if (token.startsWith("c")) {
      from = Number(token.slice(1));
    } else {
      let batch: JoinedRowJson[] = [];
      for (const row of this.rows()) {
        if (client.filter(row)) batch.push(row);
        if (batch.length < BATCH) continue;
        if (!send(response, "rows", "s", {rows: batch})) await drained(response);
        if (response.destroyed) return;
        batch = [];
      }
      if (batch.length > 0) send(response, "rows", "s", {rows: batch});
      send(response, "snapshot_complete", `c${from}`, {sequence: String(this.sequence)});
    }
    for (; from < this.changes.length; from++) this.sendChange(client, from);
    client.live = true;
    this.sendProgress();
  }

  private sendChange(client: Client, index: number): void {
    const rows = (this.changes[index] ?? []).filter(client.filter);
    if (rows.length > 0) send(client.response, "rows", `c${index + 1}`, {rows});
  }

  private sendProgress(): void {
    if (this.silent) return;
    const now = Date.now();
    for (const client of this.clients) {
      if (!client.live) continue;
      send(client.response, "progress", `c${this.changes.length}`, {
        sequence: String(this.sequence), sendTime: new Date(now).toISOString(),
        queries: [{query: {source: "prometheus", name: "queue_depth"}, completeThrough: new Date(now - 3_000).toISOString()}],
      });
    }
  }

  private async streamOther(url: URL, response: ServerResponse): Promise<void> {
    this.open(response);
    send(response, "started", "o0", {storeId: "fake"});
    const now = Date.now();
    if (url.pathname.endsWith("alerts")) {
      const alerts = this.alerts(now);
      const half = this.restOfAlerts ? alerts.length >> 1 : 0;
      send(response, "alerts", "o1", {alerts: alerts.slice(half)});
      await this.restOfAlerts;
      send(response, "alerts", "o1", {alerts: alerts.slice(0, half)});
      send(response, "snapshot_complete", "o2", {});
    } else {
      const query = url.searchParams.get("query_name") ?? "";
      send(response, "samples", "o1", {series: generated.makeSamples(query, now - 900_000, now)});
      send(response, "snapshot_complete", "o2", {});
    }
    const timer = setInterval(() => send(response, "progress", "o3", {sendTime: new Date().toISOString()}), 1000);
    response.on("close", () => clearInterval(timer));
  }

  private alerts(now: number) {
    const episodes = Math.floor((this.options.rows ?? 0) / 2);
    return Array.from({length: episodes}, (_, at) => generated.makeAlert(at, this.base, now))
      .filter((alert) => alert !== undefined);
  }

  private answer(method: string, request: Record<string, unknown>, response: ServerResponse): void {
    const now = Date.now();
    const reply = (status: number, body: object) => {
      response.writeHead(status, {"Content-Type": "application/json"});
      response.end(JSON.stringify(body));
    };
    const seconds = (text: unknown) => parseFloat(String(text)) * 1000;
    switch (method) {
      case "GetAlertContext": {
        const row = this.row(String(request["rowId"]));
        if (!row) return reply(404, {code: "not_found", message: "row_id: there is no such row"});
        return reply(200, generated.makeContext(row, seconds(request["before"]), seconds(request["after"]), now));
      }
      case "ListJoinedRows": {
        const wanted = makeFilter(String(request["filter"] ?? ""), String(request["state"] ?? ""));
        return reply(200, {rows: [...this.rows()].filter(wanted)});
      }
      case "SummarizeAlerts":
        return reply(200, {summaries: generated.summarize(this.alerts(now), Date.parse(String(request["from"])), Date.parse(String(request["to"])), seconds(request["bucket"]))});
      case "ListSources": return reply(200, (this.options.rows ?? 0) > 0 ? {sources: generated.makeSources(now)} : {});
      case "ListQueries": return reply(200, (this.options.rows ?? 0) > 0 ? {queries: generated.makeQueries(now)} : {});
      default: return reply(404, {code: "unimplemented", message: method});
    }
  }
}

// Tells matchers for equality only: enough for the tests.
function makeFilter(text: string, state: string): (row: JoinedRowJson) => boolean {
  const wanted = [...text.matchAll(/(\w+)="([^"]*)"/g)];
  return (row) => (!state || row.transition?.state === state) &&
    wanted.every(([, name, value]) => row.transition?.labels?.[name ?? ""] === value);
}

// Whether more may be written at once.
function send(response: ServerResponse, event: string, id: string, data: object): boolean {
  if (response.destroyed) return true;
  return response.write(`event: ${event}\n${id ? `id: ${id}\n` : ""}data: ${JSON.stringify(data)}\n\n`);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let text = "";
  for await (const part of request) text += String(part);
  return text;
}
