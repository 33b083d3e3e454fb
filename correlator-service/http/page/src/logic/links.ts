// Ways out of the page: links and commands that are made of what alerts say, which is hostile.

import {HOUR, MINUTE} from "./times";

// The address, when it is one that a browser may be led to; undefined for anything but http(s).
export function safeUrl(text: string | undefined): URL | undefined {
  if (!text) return undefined;
  try {
    const url = new URL(text);
    return (url.protocol === "http:" || url.protocol === "https:") && !url.username ? url : undefined;
  } catch {
    return undefined;
  }
}

function prometheusTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

export interface SourceLink {
  href: string;
  // Prometheus' graph at the alert's time, or just where the alert says it comes from.
  atTime: boolean;
}

// Where the alert comes from: of a Prometheus, its graph around `time`.
export function sourceLink(generatorUrl: string | undefined, time: number): SourceLink | undefined {
  const url = safeUrl(generatorUrl);
  if (url === undefined) return undefined;
  if (!url.searchParams.has("g0.expr")) return {href: url.href, atTime: false};
  url.searchParams.set("g0.tab", "0");
  url.searchParams.set("g0.range_input", "30m");
  url.searchParams.set("g0.end_input", prometheusTime(time + 10 * MINUTE));
  url.searchParams.set("g0.moment_input", prometheusTime(time + 10 * MINUTE));
  return {href: url.href, atTime: true};
}

// A word of a POSIX shell that stands for exactly this text.
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// JSON that is a literal of Python, too, for a text.
export function pythonText(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

// What /assets/grpc.json tells of the correlator's gRPC server.
export interface GrpcPlaceJson {
  port?: number;
  tls?: boolean;
  loopback?: boolean;
}

export interface GrpcPlace {
  address: string;
  tls: boolean;
}

const GRPC_PORT = 9750;

// Where gRPC is, as seen by whoever sees the page at `hostname`; with undefined, as it is by default.
export function grpcPlace(hostname: string, json: GrpcPlaceJson | undefined): GrpcPlace {
  const host = json?.loopback || hostname === "" ? "127.0.0.1" : hostname;
  return {address: `${host}:${json?.port || GRPC_PORT}`, tls: json?.tls ?? false};
}

// The files are whoever copies it to fill in.
export function grpcurlCommand(place: GrpcPlace, method: string, request: object): string {
  const security = place.tls ? "-cacert ca.pem -cert client.pem -key client.key" : "-plaintext";
  return `grpcurl ${security} -d ${shellQuote(JSON.stringify(request))} \\\n  ${place.address} ` +
    `alertjoin.v1.CorrelatorService/${method}`;
}

export function pythonSnippet(place: GrpcPlace, alertName: string, query: string, time: number): string {
  const at = new Date(time).toISOString();
  const from = new Date(time - HOUR / 6).toISOString();
  const to = new Date(time + HOUR / 6).toISOString();
  const security = place.tls
    ? ', credentials=alertjoin.tls("ca.pem", "client.pem", "client.key")' : "";
  const lines = ["import alertjoin", "", `aj = alertjoin.connect(${pythonText(place.address)}${security})`];
  if (alertName) {
    lines.push(`aj.joined(filter=${pythonText(`alertname=${JSON.stringify(alertName)}`)}, ` +
      `since=${pythonText(from)}, until=${pythonText(to)})`);
  }
  if (query) {
    lines.push(`aj.samples(${pythonText(query)}, since=${pythonText(from)}, until=${pythonText(to)})`,
      `aj.as_of(${pythonText(query)}, ${pythonText(at)})`);
  }
  return lines.join("\n");
}
