// The detail of one row: the metric around the transition, and all that is known of both sides.

import type {AlertContextJson, JoinedRowJson, QueryJson} from "../logic/api";
import {parseDouble} from "../logic/api";
import {type Context, parseContext} from "../logic/context";
import {grpcurlCommand, pythonSnippet, safeUrl, sourceLink} from "../logic/links";
import {withMatcher} from "../logic/matchers";
import {formatDistance, formatThreshold, formatValue} from "../logic/numbers";
import {visible} from "../logic/text";
import {episodeOf, MATCH_MEANINGS, parseEnum, parseMatch, parseState, sameEpisode} from "../logic/rows";
import {durationJson, formatDuration, formatFull, HOUR, MINUTE, parseDuration, parseTime, type Zone} from "../logic/times";
import {bringsEnds} from "../logic/url_state";
import {call, CallError} from "../net/connect";
import {Poll} from "../net/poll";
import type {App} from "./app";
import {ContextPlot} from "./context_plot";
import {button, copyText, h, labelList, setText} from "./dom";

const SPANS: readonly (readonly [string, number])[] = [
  ["1 min", MINUTE], ["5 min", 5 * MINUTE], ["15 min", 15 * MINUTE], ["1 h", HOUR], ["6 h", 6 * HOUR],
];
// While a row may still change, its samples are asked for again after this time.
const REFRESH = 5_000;

export class RowDetail {
  readonly element: HTMLElement;
  private readonly title = h("h2", {class: "detail-title", attrs: {tabindex: "-1"}});
  private readonly subtitle = h("p", {class: "detail-subtitle"});
  private readonly body = h("div", {class: "detail-body"});
  private readonly plot = new ContextPlot();
  private readonly spans = h("div", {class: "segments", attrs: {role: "group", "aria-label": "Time around the event"}});
  private readonly legend = h("ul", {class: "legend"});
  private readonly facts = h("div", {class: "facts"});
  private readonly problem = h("p", {class: "problem", attrs: {role: "alert"}});
  private id = "";
  private span = 5 * MINUTE;
  private revision = 0;
  private readonly poll = new Poll(REFRESH, (signal) => this.ask(signal));
  private row: JoinedRowJson | undefined;
  // What is shown, in which zone, and whether more is wanted for it.
  private answer: AlertContextJson | undefined;
  private zone: Zone = "utc";
  private showing = new AbortController();
  // The end of its episode as it is drawn; undefined while none is known.
  private end: number | undefined;

  constructor(private readonly app: App, close: () => void) {
    for (const [text, span] of SPANS) {
      const one = button(`± ${text}`, "segment", () => {
        this.span = span;
        this.load();
      });
      one.dataset["span"] = String(span);
      this.spans.append(one);
    }
    this.element = h("aside", {class: "detail", attrs: {"aria-label": "Row detail"}},
      h("header", {class: "detail-head"},
        h("div", {}, this.title, this.subtitle),
        button("✕", "icon", close, "Close (Esc)")),
      this.body);
    this.body.append(this.problem, this.spans, this.plot.element, this.legend, this.facts);
    this.element.hidden = true;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot.redraw());
    document.addEventListener("themechange", () => this.plot.redraw());
  }

  // Opens the row, or closes with "".
  open(id: string): void {
    if (id === this.id) return;
    this.id = id;
    this.element.hidden = id === "";
    this.poll.stop();
    this.plot.clear();
    this.row = undefined;
    this.answer = undefined;
    this.showing.abort();
    this.end = undefined;
    if (!id) return;
    setText(this.title, "…");
    setText(this.subtitle, "");
    this.facts.replaceChildren();
    this.legend.replaceChildren();
    this.body.scrollTop = 0;
    this.span = this.fittingSpan();
    this.load();
    this.title.focus({preventScroll: true});
  }

  // The row may have another revision, or its episode an end.
  rowsChanged(): void {
    if (!this.row || !this.answer) return;
    const known = this.app.rows.get(this.id);
    if (known && known.revision !== this.revision) this.poll.tick(performance.now(), 500);
    const end = this.knownEnd(this.row);
    if (end !== undefined && end !== this.end) this.show(this.answer);
  }

  // The zone may be another one.
  zoneChanged(): void {
    if (this.answer && this.zone !== this.app.zone) this.show(this.answer);
  }

  commandsChanged(): void {
    if (this.row) this.facts.replaceChildren(...this.makeFacts(this.row));
  }

  tick(): void {
    if (!this.id) return;
    const newer = (this.app.rows.get(this.id)?.revision ?? 0) > this.revision;
    const settled = this.row?.final && !newer && (this.end !== undefined || this.tableBringsEnd());
    if (!settled) this.poll.tick(performance.now());
  }

  // So much that the firing period fills a good part of the plot, where the table knows it.
  private fittingSpan(): number {
    const row = this.app.rows.get(this.id);
    const lasted = row === undefined ? 0 : row.eventTime - row.startsAt;
    return SPANS.find(([, span]) => span >= 5 * MINUTE && span >= 1.5 * lasted)?.[1] ?? 6 * HOUR;
  }

  private load(): void {
    for (const one of this.spans.querySelectorAll<HTMLElement>("button")) {
      one.setAttribute("aria-pressed", String(one.dataset["span"] === String(this.span)));
    }
    this.poll.start(performance.now());
  }

  private ask(signal: AbortSignal): Promise<void> {
    const request = {rowId: this.id, before: durationJson(this.span), after: durationJson(this.span)};
    return call<AlertContextJson>("GetAlertContext", request, signal).then(
      (answer) => {
        if (!signal.aborted) this.show(answer);
      },
      (error: unknown) => {
        if (!signal.aborted) this.fail(error);
      });
  }

  private fail(error: unknown): void {
    const gone = error instanceof CallError && error.code === "not_found";
    if (this.row === undefined) setText(this.title, gone ? "There is no such row" : "The row cannot be read");
    setText(this.problem, gone
      ? "Retention removed it, or its episode was merged into another one."
      : error instanceof Error ? `${error.message}. It is tried again by itself.` : "");
  }

  private show(answer: AlertContextJson): void {
    const row = answer.row;
    if (!row) return;
    this.showing.abort();
    this.showing = new AbortController();
    setText(this.problem, answer.truncated ? "Some samples or series were left out: choose a shorter time." : "");
    this.row = row;
    this.answer = answer;
    this.zone = this.app.zone;
    this.revision = Number(row.revision ?? 0);
    const transition = row.transition ?? {};
    const state = parseState(transition.state);
    setText(this.title, visible(transition.alertName ?? "") || "(no alertname)");
    this.subtitle.replaceChildren(
      h("span", {class: `badge ${state}`, text: state === "firing" ? "Firing" : "Resolved"}),
      h("span", {text: formatFull(parseTime(transition.eventTime) ?? 0, this.app.zone)}),
      transition.instance ? h("span", {class: "dim", text: visible(transition.instance)}) : "");
    const context = parseContext(answer);
    this.drawPlot(row, context, this.showing.signal);
    this.drawLegend(context);
    this.facts.replaceChildren(...this.makeFacts(row));
  }

  private drawPlot(row: JoinedRowJson, context: Context, signal: AbortSignal): void {
    const transition = row.transition ?? {};
    const eventTime = parseTime(transition.eventTime) ?? 0;
    const marks = {
      from: eventTime - this.span, to: eventTime + this.span, eventTime,
      firesFrom: parseTime(transition.startsAt), firesTo: parseTime(transition.endsAt),
      resolved: transition.endsAt !== undefined, activeAt: parseTime(transition.activeAt),
      threshold: parseDouble(row.query?.threshold),
    };
    const draw = (firesTo: number | undefined) => {
      if (signal.aborted) return;
      this.plot.draw(context, {
        ...marks, resolved: firesTo !== undefined, firesTo: firesTo ?? Math.min(marks.to, this.app.now()),
      }, this.app.zone);
      this.plot.element.setAttribute("role", "img");
      this.plot.element.setAttribute("aria-label", describe(context, transition.alertName ?? ""));
    };
    const known = this.knownEnd(row);
    // What was found before stands until it is known better: the plot does not flicker.
    this.end = known ?? this.end;
    draw(this.end);
    if (known !== undefined || this.tableBringsEnd()) return;
    void this.findEnd(row, signal).then((found) => {
      if (signal.aborted || found === undefined || found === this.end) return;
      this.end = found;
      draw(found);
    });
  }

  // The end of the row's episode, as the row says itself or, while it fires, the one of its end in
  // the table. That one may come when this is final, and no answer with it.
  private knownEnd(row: JoinedRowJson): number | undefined {
    const own = parseTime(row.transition?.endsAt);
    if (own !== undefined) return own;
    const episode = episodeOf(row);
    return this.app.rows.settled().find((other) => other.state === "resolved" && sameEpisode(other, episode))?.eventTime;
  }

  // Whether the end is in the table as soon as there is one: it has this row, and leaves out no ends.
  private tableBringsEnd(): boolean {
    const whole = bringsEnds(this.app.state) && this.app.stream.connection.hasSnapshot;
    return whole && this.app.rows.get(this.id) !== undefined;
  }

  // The end of a firing row's episode from the correlator, for when the table has only a part of the
  // rows.
  private async findEnd(row: JoinedRowJson, signal: AbortSignal): Promise<number | undefined> {
    const name = row.transition?.alertName;
    if (!name) return undefined;
    const episode = episodeOf(row);
    try {
      const answer = await call<{rows?: JoinedRowJson[]}>("ListJoinedRows", {
        filter: withMatcher("", "alertname", name), state: "ALERT_STATE_RESOLVED",
        from: row.transition?.startsAt, pageSize: 1000,
      }, signal);
      return parseTime((answer.rows ?? []).find((other) => sameEpisode(episodeOf(other), episode))?.transition?.endsAt);
    } catch {
      return undefined;
    }
  }

  private drawLegend(context: Context): void {
    this.legend.replaceChildren(...context.series.map((series, at) =>
      h("li", {class: at === 0 ? "series-0" : `series-${1 + ((at - 1) % 5)}`},
        h("span", {class: "swatch"}), h("span", {text: visible(series.name), title: series.name}))));
    if (context.series.length === 0) {
      this.legend.append(h("li", {class: "dim", text: "No series belongs to this row; see below why."}));
    }
  }

  private makeFacts(row: JoinedRowJson): Node[] {
    const transition = row.transition ?? {};
    const query = row.query ?? {};
    return [
      this.valueFacts(row),
      this.actions(row),
      section("Query", h("pre", {class: "code-block", text: query.expression ?? query.name ?? "–"}),
        facts([["Source", query.source], ["Name", query.name === query.expression ? undefined : query.name],
               ["Times are", timeKind(query)]])),
      section("Labels", labelList(transition.labels ?? {}, (name, value) => {
        this.app.change({filter: withMatcher(this.app.state.filter, name, value)}, true);
      })),
      Object.keys(transition.annotations ?? {}).length > 0
        ? section("Annotations", annotationList(transition.annotations ?? {})) : "",
      section("Alert", this.alertFacts(row)),
    ].filter((part): part is HTMLElement => part !== "");
  }

  private valueFacts(row: JoinedRowJson): HTMLElement {
    const transition = row.transition ?? {};
    const match = row.match ?? {};
    const state = parseMatch(match.state);
    const value = parseDouble(match.value);
    const threshold = parseDouble(row.query?.threshold);
    const distance = formatDistance(value, threshold);
    const sent = parseDouble(transition.reportedValue);
    const resolved = parseState(transition.state) === "resolved";
    const next = parseDouble(match.nextValue);
    const active = parseDouble(match.valueAtActive);
    const sampleTime = parseTime(match.sampleTime);
    return h("div", {class: "key-figures"},
      figure(resolved ? "Value when it resolved" : "Value when it fired",
             state === "matched" ? formatValue(value) : "–",
             state === "matched" ? ageText(parseDuration(match.sampleAge)) : MATCH_MEANINGS[state],
             "main"),
      sent === undefined ? "" : figure("$value in the notification", formatValue(sent),
        resolved ? "The last value that fired" : "As the rule saw it"),
      threshold === undefined ? "" : figure("Threshold", formatThreshold(row.query?.comparisonOperator ?? "", threshold), distance && `Distance ${distance}`),
      active === undefined ? "" : figure("Value when pending began", formatValue(active), ""),
      next === undefined ? "" : figure("First value after", formatValue(next), ""),
      sampleTime === undefined ? "" : figure("Sample time", formatFull(sampleTime, this.app.zone).slice(11), `Revision ${row.revision ?? 0}, ${row.final ? "final" : "may still change"}`),
      row.query?.error ? h("p", {class: "problem", text: `The metrics source refuses the query: ${row.query.error}`}) : "");
  }

  private actions(row: JoinedRowJson): HTMLElement {
    const transition = row.transition ?? {};
    const eventTime = parseTime(transition.eventTime) ?? 0;
    const link = sourceLink(transition.generatorUrl, eventTime);
    const copy = (what: string, text: string) => button(`Copy as ${what}`, "action", () => {
      void copyText(text).then((copied) => this.app.notify(copied ? `Copied as ${what}` : "The browser does not let the page copy"));
    }, text);
    const request = {row_id: this.id, before: durationJson(this.span), after: durationJson(this.span)};
    return h("div", {class: "actions"},
      link ? h("a", {
        class: "action", text: link.atTime ? "Open in Prometheus ↗" : "Open its source ↗",
        attrs: {href: link.href, target: "_blank", rel: "noopener noreferrer"},
      }) : "",
      copy("grpcurl", grpcurlCommand(this.app.grpc, "GetAlertContext", request)),
      copy("Python", pythonSnippet(this.app.grpc, transition.alertName ?? "", row.query?.name ?? "", eventTime)));
  }

  private alertFacts(row: JoinedRowJson): HTMLElement {
    const transition = row.transition ?? {};
    const time = (value: string | undefined) => {
      const parsed = parseTime(value);
      return parsed === undefined ? undefined : formatFull(parsed, this.app.zone);
    };
    const address = safeUrl(transition.generatorUrl) ? undefined : transition.generatorUrl;
    return facts([
      ["Source", transition.source], ["Fingerprint", transition.fingerprint],
      ["Pending since", time(transition.activeAt)], ["Fired", time(transition.startsAt)],
      ["Resolved", time(transition.endsAt)],
      ["Fired for", formatDuration(parseDuration(transition.duration)) || undefined],
      ["Became known by", parseEnum(transition.origin, "ORIGIN_")],
      ["Alert received", time(row.alertReceivedTime)], ["Sample received", time(row.sampleReceivedTime)],
      ["Last change", `${time(row.appliedTime) ?? ""} – ${parseEnum(row.cause, "CAUSE_")}`],
      ["Generator", address], ["Row id", row.rowId],
    ]);
  }
}

function ageText(age: number | undefined): string {
  return age ? `Sample of ${formatDuration(age)} before` : "Sample of that very moment";
}

function timeKind(query: QueryJson): string {
  return query.timeKind === "TIME_KIND_EVALUATION" ? "of evaluations" : "of scrapes";
}

function describe(context: Context, alertName: string): string {
  const own = context.series[0];
  if (!own) return `No samples for ${alertName}`;
  const chosen = own.chosen === undefined ? "no sample was chosen"
    : `the chosen sample is ${formatValue(own.chosen.value) || "a stale marker"} at ${new Date(own.chosen.time).toISOString()}`;
  return `${own.samples} samples of ${own.name} around ${alertName}; ${chosen}`;
}

function section(title: string, ...children: Node[]): HTMLElement {
  return h("section", {class: "detail-section"}, h("h3", {text: title}), ...children);
}

function facts(pairs: readonly (readonly [string, string | undefined])[]): HTMLElement {
  const list = h("dl", {class: "labels"});
  for (const [name, value] of pairs) {
    if (value) list.append(h("dt", {text: name}), h("dd", {text: visible(value)}));
  }
  return list;
}

function figure(name: string, value: string, note: string, kind = ""): HTMLElement {
  return h("div", {class: `figure ${kind}`},
    h("div", {class: "figure-name", text: name}),
    h("div", {class: "figure-value", text: value}),
    h("div", {class: "figure-note", text: note}));
}

// Annotations as text; one that is a web address, such as a runbook, can be followed.
function annotationList(annotations: Readonly<Record<string, string>>): HTMLElement {
  const list = h("dl", {class: "labels"});
  for (const name of Object.keys(annotations).sort()) {
    const value = annotations[name] ?? "";
    const url = /^https?:\/\/\S+$/.test(value) ? safeUrl(value) : undefined;
    list.append(h("dt", {text: visible(name)}), h("dd", {}, url
      ? h("a", {text: value, attrs: {href: url.href, target: "_blank", rel: "noopener noreferrer"}})
      : visible(value)));
  }
  return list;
}
