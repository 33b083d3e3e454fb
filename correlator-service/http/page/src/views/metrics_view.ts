// What the correlator hears: its sources, the queries and how far each has come, and the samples of
// one query as they arrive.

import type {QueryDescriptionJson, SeriesSamplesJson, SourceStatusJson} from "../logic/api";
import {formatCount} from "../logic/numbers";
import {parseEnum} from "../logic/rows";
import {partShown, SampleStore, SAMPLES_SPAN} from "../logic/samples";
import {durationJson, formatAge, formatFull, MINUTE, parseTime, SECOND} from "../logic/times";
import {call, CallError} from "../net/connect";
import {Poll} from "../net/poll";
import {Stream} from "../net/stream";
import {card} from "./alerts_view";
import type {App, PageView} from "./app";
import {button, h, setClass, setText} from "./dom";
import {emptySources} from "./empty_states";
import {SamplePlot} from "./sample_plot";

const POLL_INTERVAL = 3 * SECOND;
const QUERIES_MAX = 1_000;
// Progress that is older than this is worth a look, where a query is polled at all.
const LATE = 2 * MINUTE;

const HEALTH: Readonly<Record<string, readonly [string, string]>> = {
  SOURCE_HEALTH_OK: ["ok", "answers"],
  SOURCE_HEALTH_AUTH: ["bad", "does not know us (401)"],
  SOURCE_HEALTH_FORBIDDEN: ["bad", "refuses us (403)"],
  SOURCE_HEALTH_UNREACHABLE: ["bad", "unreachable"],
  SOURCE_HEALTH_ERROR: ["bad", "answers wrongly"],
};

export class MetricsView implements PageView {
  readonly element: HTMLElement;
  private readonly sources = h("div", {class: "card-body"});
  private readonly queries = h("div", {class: "card-body query-list"});
  private readonly find = h("input", {attrs: {type: "search", placeholder: "Find a query", "aria-label": "Find a query", spellcheck: "false"}});
  private readonly live = h("div", {class: "card-body"});
  private readonly store = new SampleStore();
  private readonly plot: SamplePlot;
  private described: QueryDescriptionJson[] = [];
  private stream: Stream | undefined;
  private shown = "";
  private readonly poll = new Poll(POLL_INTERVAL, (signal) => this.ask(signal));
  private visible = false;
  private sourcesKey = "";

  constructor(private readonly app: App) {
    this.plot = new SamplePlot(app);
    this.find.addEventListener("input", () => this.drawQueries());
    const queryCard = card("Queries", this.queries, "queries");
    queryCard.querySelector("h2")?.after(this.find);
    this.element = h("section", {class: "view metrics", attrs: {"aria-label": "Metrics"}},
      h("div", {class: "scroll"},
        card("Sources", this.sources),
        h("div", {class: "columns"}, queryCard, card("Samples", this.live, "samples"))));
  }

  show(): void {
    this.visible = true;
    this.poll.start(performance.now());
    this.update();
  }

  hide(): void {
    this.visible = false;
    this.stream?.close();
    this.stream = undefined;
    this.shown = "";
    this.poll.stop();
  }

  rest(): void {
    this.stream?.rest();
  }

  wake(): void {
    this.stream?.wake();
  }

  retryNow(): void {
    this.stream?.retryNow();
  }

  update(): void {
    if (!this.visible) return;
    const {query} = this.app.state;
    this.drawQueries();
    if (query !== this.shown || !this.stream) this.subscribe(query);
    this.drawSamples();
  }

  tick(): void {
    if (!this.visible) return;
    this.poll.tick(performance.now());
    if (this.expire()) this.drawSamples();
    this.plot.tick();
  }

  private ask(signal: AbortSignal): Promise<unknown> {
    const failed = (box: HTMLElement, what: string) => (error: unknown) => {
      if (signal.aborted) return;
      const words = error instanceof CallError && error.code === "unimplemented"
        ? `This correlator does not list ${what}.` : error instanceof Error ? error.message : "";
      this.sourcesKey = "";
      box.replaceChildren(h("p", {class: "problem", text: words}));
    };
    const sources = call<{sources?: SourceStatusJson[]}>("ListSources", {pageSize: 1000}, signal).then(
      (answer) => this.drawSources(answer.sources ?? []), failed(this.sources, "sources"));
    const queries = call<{queries?: QueryDescriptionJson[]}>("ListQueries", {pageSize: QUERIES_MAX}, signal).then(
      (answer) => {
        this.described = answer.queries ?? [];
        this.drawQueries();
        const first = this.described[0]?.query?.name;
        if (!this.app.state.query && first && !this.stream) this.subscribe(first);
      }, failed(this.queries, "queries"));
    return Promise.all([sources, queries]);
  }

  private drawSources(sources: readonly SourceStatusJson[]): void {
    if (sources.length === 0) {
      this.sources.replaceChildren(emptySources());
      this.sourcesKey = "";
      return;
    }
    const table = h("table", {class: "sources-table"}, h("thead", {}, h("tr", {}, ...["Source", "Kind", "Health", "Last word", "Says of itself", "Last error", "Producer"].map(
      (title) => h("th", {text: title, attrs: {scope: "col"}})))));
    const body = h("tbody");
    const now = this.app.now();
    for (const one of sources) body.append(this.sourceLine(one, now));
    const key = body.textContent ?? "";
    // Left alone while nothing differs, so that a selection stays.
    if (key === this.sourcesKey) return;
    this.sourcesKey = key;
    table.append(body);
    this.sources.replaceChildren(h("div", {class: "table-box", attrs: {tabindex: "0", role: "region", "aria-label": "Sources"}}, table));
  }

  private sourceLine(one: SourceStatusJson, now: number): HTMLElement {
    const [kind, words] = HEALTH[one.health ?? ""] ?? ["unknown", "nothing reported"];
    const heard = parseTime(one.time);
    const failedAt = parseTime(one.lastErrorTime);
    return h("tr", {},
      h("td", {class: "strong c-source", text: one.source ?? ""}),
      h("td", {class: "c-kind", text: parseEnum(one.kind, "KIND_")}),
      h("td", {class: "c-health"}, h("span", {class: `health ${kind}`, text: words})),
      h("td", {class: "number c-heard", text: heard === undefined ? "" : `${formatAge(Math.max(0, now - heard))} ago`,
               title: heard === undefined ? "" : formatFull(heard, this.app.zone)}),
      h("td", {class: "dim", text: one.description ?? ""}),
      h("td", {class: kind === "ok" ? "dim wide" : "error-text wide", text: one.lastError ? `${failedAt === undefined ? "" : `${formatAge(Math.max(0, now - failedAt))} ago: `}${one.lastError}` : "",
               title: one.lastError ?? ""}),
      h("td", {class: "dim", text: one.producerId ?? ""}));
  }

  private drawQueries(): void {
    if (this.described.length === 0) {
      this.queries.replaceChildren(h("p", {class: "dim", text: "No query is known yet. Those of ingest.yml appear here, and those of the alerting rules that fire."}));
      return;
    }
    // Not while a button is held down: what replaces it would not be clicked.
    if (this.queries.matches(":active")) return;
    const wanted = this.find.value.trim().toLowerCase();
    const selected = this.app.state.query || this.shown;
    const now = this.app.now();
    const focused = document.activeElement instanceof HTMLElement && this.queries.contains(document.activeElement)
      ? document.activeElement.dataset["name"] : undefined;
    const scrolled = this.queries.scrollTop;
    this.queries.replaceChildren(...this.described.filter((one) =>
      `${one.query?.name} ${one.query?.expression} ${one.query?.source}`.toLowerCase().includes(wanted)).map((one) => {
      const name = one.query?.name ?? "";
      const through = parseTime(one.progress?.completeThrough);
      const age = through === undefined ? undefined : Math.max(0, now - through);
      const line = button("", "query", () => this.app.change({query: name}, true), one.query?.expression ?? "");
      line.dataset["name"] = name;
      line.setAttribute("aria-pressed", String(name === selected));
      line.append(h("span", {class: "query-name", text: name}),
        h("span", {class: "dim query-source", text: `${one.query?.source ?? ""} · ${formatCount(Number(one.series ?? 0))} series`}),
        h("span", {class: `query-age number ${one.error ? "error-text" : age !== undefined && age > LATE ? "late" : "dim"}`,
                   text: one.error ? "refused" : age === undefined ? "no progress" : `${formatAge(age)} ago`,
                   title: one.error || "Its source has sent everything up to then"}));
      if (one.error) line.append(h("span", {class: "error-text query-error", text: one.error}));
      return line;
    }));
    this.queries.scrollTop = scrolled;
    if (focused !== undefined) {
      for (const line of this.queries.querySelectorAll<HTMLElement>(".query")) {
        if (line.dataset["name"] === focused) line.focus({preventScroll: true});
      }
    }
  }

  private subscribe(query: string): void {
    this.stream?.close();
    this.stream = undefined;
    this.shown = query;
    this.store.clear();
    if (!query) {
      const first = this.described[0]?.query?.name;
      if (first) this.subscribe(first);
      return;
    }
    const parameters = new URLSearchParams({query_name: query, snapshot_window: durationJson(SAMPLES_SPAN)});
    this.stream = new Stream("/api/v1/stream/samples", parameters, {
      reset: () => this.store.clear(),
      data: (event, json) => {
        if (event === "samples") this.fold((json as {series?: SeriesSamplesJson[]}).series ?? []);
      },
      started: () => undefined,
      progress: () => undefined,
      gap: () => undefined,
      draw: () => this.drawSamples(),
    });
    this.stream.open();
    this.drawQueries();
  }

  private fold(updates: readonly SeriesSamplesJson[]): void {
    // What the snapshot brings is no news.
    const live = this.stream?.connection.phase(performance.now()) === "live";
    this.store.fold(updates, live ? performance.now() : -Infinity);
  }

  // Series that have ended make room. By the server's clock, as with the rows.
  private expire(): boolean {
    const time = this.app.progress.serverTime(performance.now());
    return time !== undefined && this.store.expire(time - SAMPLES_SPAN);
  }

  private drawSamples(): void {
    if (!this.visible) return;
    const phase = this.stream?.connection.phase(performance.now());
    if (!this.stream || phase === "refused") {
      this.live.replaceChildren(h("p", {class: "dim", text: this.stream
        ? `The correlator does not stream these samples: ${this.stream.connection.reason}` : "Choose a query."}));
      return;
    }
    this.expire();
    const series = this.store.series();
    if (!this.live.contains(this.plot.element)) this.live.replaceChildren(this.plot.element);
    this.plot.draw(this.shown, series, phase === "loading" || phase === "connecting");
    setClass(this.live, "late", phase === "reconnecting");
    setText(this.plot.note, partShown(series.length, this.store.refused));
  }
}
