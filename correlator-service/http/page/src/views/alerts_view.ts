// Alerts as episodes: a timeline of bars, who fires most and who flaps, and how many over time.

import type {AlertJson, AlertSummaryJson} from "../logic/api";
import {bars, type Bar, EpisodeStore, type Lane, lanes} from "../logic/episodes";
import {Hold} from "../logic/hold";
import {withMatcher} from "../logic/matchers";
import {formatCount} from "../logic/numbers";
import {visible} from "../logic/text";
import {bucketLength} from "../logic/time_axis";
import {durationJson, formatDuration, formatFull, formatRowTime, MINUTE, parseDuration, SECOND, timeJson} from "../logic/times";
import {call, CallError} from "../net/connect";
import {Poll} from "../net/poll";
import {Stream} from "../net/stream";
import type {App, PageView} from "./app";
import {axis, countsBars, countsChart, mostOf, sumBuckets} from "./counts_chart";
import {button, h, setText} from "./dom";
import {emptyAlerts, failure} from "./empty_states";
import {FilterBar} from "./filter_bar";

const LANES_MAX = 200;
const TOP = 8;
const BUCKETS_MAX = 96;
const SUMMARY_INTERVAL = 10 * SECOND;
const BAR_WIDTH_MIN = 0.003;

export class AlertsView implements PageView {
  readonly element: HTMLElement;
  private readonly bar: FilterBar;
  private readonly count = h("span", {class: "count"});
  private readonly counts = h("div", {class: "card-body"});
  private readonly top = h("div", {class: "card-body"});
  private readonly flapping = h("div", {class: "card-body"});
  private readonly byAlert = h("div", {class: "card-body by-alert"});
  private readonly timeline = h("div", {class: "timeline"});
  private readonly store = new EpisodeStore();
  private stream: Stream | undefined;
  private streamKey = "";
  private summaryKey = "";
  private readonly summary = new Poll(SUMMARY_INTERVAL, (signal) => this.summarize(signal));
  private visible = false;
  private drawnAt = 0;
  private readonly hold = new Hold();
  // Whether lanes stand there that were drawn of a whole snapshot.
  private settled = false;

  constructor(private readonly app: App) {
    this.bar = new FilterBar(app, {rows: false});
    this.bar.extra.append(this.count);
    this.element = h("section", {class: "view alerts", attrs: {"aria-label": "Alerts"}},
      this.bar.element,
      h("div", {class: "scroll"},
        h("div", {class: "cards"},
          card("Fired and resolved", this.counts, "wide"),
          card("Fired longest", this.top), card("Flaps most", this.flapping),
          card("By alert", this.byAlert, "full")),
        card("Timeline", this.timeline)));
    this.timeline.addEventListener("pointermove", (event) => this.hold.pointed(event.screenX, event.screenY, performance.now()));
    this.timeline.addEventListener("pointerdown", () => this.hold.pressed(performance.now()));
    this.timeline.addEventListener("focusin", (event) => this.hold.focused(laneKey(event.target), performance.now()));
  }

  show(): void {
    this.visible = true;
    this.update();
  }

  // The stream ends with it: a browser has few connections for one server.
  hide(): void {
    this.visible = false;
    this.stream?.close();
    this.stream = undefined;
    this.streamKey = "";
    this.summary.stop();
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
    this.bar.update();
    const {state} = this.app;
    const parameters = new URLSearchParams();
    if (state.filter.trim()) parameters.set("filter", state.filter);
    parameters.set("snapshot_window", durationJson(state.window));
    if (parameters.toString() !== this.streamKey) this.subscribe(parameters);
    else this.draw();
    if (this.summaryKey !== parameters.toString() + this.app.zone) {
      this.summaryKey = parameters.toString() + this.app.zone;
      this.summary.start(performance.now());
    }
  }

  tick(): void {
    if (!this.visible) return;
    this.summary.tick(performance.now());
    // The bars of what fires grow.
    if (performance.now() - this.drawnAt > 1_900) this.draw();
  }

  private subscribe(parameters: URLSearchParams): void {
    this.streamKey = parameters.toString();
    this.stream?.close();
    this.stream = new Stream("/api/v1/stream/alerts", parameters, {
      reset: () => {
        this.store.clear();
        this.settled = false;
      },
      data: (event, json) => {
        if (event === "alerts") this.store.fold((json as {alerts?: AlertJson[]}).alerts ?? []);
      },
      started: () => undefined,
      progress: () => undefined,
      gap: () => undefined,
      draw: () => this.draw(),
    });
    this.stream.open();
  }

  private draw(): void {
    if (!this.visible || !this.stream) return;
    this.drawnAt = performance.now();
    const to = this.app.now();
    const from = to - this.app.state.window;
    const all = lanes(this.store.episodes(), from, to);
    const {connection} = this.stream;
    const firing = all.filter((lane) => lane.firing).length;
    setText(this.count, `${formatCount(all.length)} alerts, ${formatCount(firing)} firing`);
    if (connection.phase(performance.now()) === "refused") {
      this.settled = false;
      this.bar.refuse(connection.reason);
      this.timeline.replaceChildren(failure("The correlator does not stream alerts", connection.reason));
    } else if (all.length === 0) {
      this.settled = false;
      this.timeline.replaceChildren(connection.hasSnapshot
        ? emptyAlerts(this.app) : h("p", {class: "dim", text: "Loading …"}));
    } else if (!this.settled || !this.isHeld()) {
      this.drawLanes(all, from, to);
      this.settled = connection.hasSnapshot;
    }
  }

  // What is about to be clicked stays where it is.
  private isHeld(): boolean {
    return (this.timeline.contains(document.activeElement) || this.timeline.matches(":hover")) &&
      this.hold.holds(performance.now());
  }

  private drawLanes(all: readonly Lane[], from: number, to: number): void {
    const ticks = this.element.clientWidth < 700 ? 4 : 8;
    const list = h("div", {class: "lanes"});
    list.append(h("div", {class: "lane lane-head"}, h("span", {class: "lane-name dim", text: "Alert"}),
      h("div", {class: "lane-track"}, axis(from, to, this.app.zone, ticks)),
      h("span", {class: "lane-count dim number", text: "Episodes"})));
    for (const lane of all.slice(0, LANES_MAX)) list.append(this.makeLane(lane, from, to));
    if (all.length > LANES_MAX) {
      list.append(h("p", {class: "dim", text: `${formatCount(all.length - LANES_MAX)} more alerts; narrow the filter to see them.`}));
    }
    const focused = this.timeline.contains(document.activeElement) ? laneKey(document.activeElement) : "";
    this.timeline.replaceChildren(list);
    for (const name of focused ? list.querySelectorAll<HTMLElement>(".lane-name") : []) {
      if (laneKey(name) === focused) name.focus({preventScroll: true});
    }
  }

  private makeLane(lane: Lane, from: number, to: number): HTMLElement {
    const track = h("div", {class: "lane-track"});
    for (const bar of bars(lane.episodes, from, to, BAR_WIDTH_MIN)) track.append(this.makeBar(lane, bar));
    const name = button("", "lane-name", () => this.showRows(lane), labelText(lane));
    name.append(h("span", {class: `dot ${lane.firing ? "firing" : "resolved"}`, attrs: {"aria-hidden": "true"}}),
      h("span", {class: "lane-alert", text: visible(lane.alertName) || "(no alertname)"}),
      h("span", {class: "lane-instance dim", text: visible(lane.instance || (lane.labels["job"] ?? ""))}));
    const line = h("div", {class: "lane"}, name, track,
      h("span", {class: "lane-count number", text: formatCount(lane.episodes.length)}));
    line.dataset["key"] = lane.key;
    return line;
  }

  private makeBar(lane: Lane, bar: Bar): HTMLElement {
    const first = bar.episodes[0];
    const last = bar.episodes[bar.episodes.length - 1];
    const element = button("", "bar", () => this.showRows(lane));
    // The lane's name leads to the same rows: keys need not go through hundreds of bars.
    element.tabIndex = -1;
    element.style.left = `${bar.left * 100}%`;
    element.style.width = `${bar.width * 100}%`;
    if (!first || !last) return element;
    element.classList.toggle("lasting", last.endsAt === undefined);
    const {zone} = this.app;
    const words = bar.episodes.length > 1
      ? `${formatCount(bar.episodes.length)} episodes from ${formatFull(first.startsAt, zone)}`
      : `Fired ${formatFull(first.startsAt, zone)}` + (first.endsAt === undefined ? ", firing still"
        : `, resolved ${formatFull(first.endsAt, zone)} after ${formatDuration(first.endsAt - first.startsAt)}`);
    element.title = words;
    element.setAttribute("aria-label", `${lane.alertName}: ${words}. Show its rows`);
    return element;
  }

  private showRows(lane: {alertName: string; instance: string}): void {
    let filter = withMatcher("", "alertname", lane.alertName);
    if (lane.instance) filter = withMatcher(filter, "instance", lane.instance);
    this.app.change({view: "joined", filter, state: "", query: "", finalOnly: false, row: ""}, true);
  }

  private summarize(signal: AbortSignal): Promise<void> {
    const {state, zone} = this.app;
    const length = bucketLength(state.window, BUCKETS_MAX);
    const to = this.app.now();
    // Buckets begin at round times, so that they stand still from one look to the next.
    const from = Math.floor((to - state.window) / length) * length;
    const asked = {
      filter: state.filter, from: timeJson(from), to: timeJson(to), by: ["alertname"],
      pageSize: 1000, flapWindow: durationJson(10 * MINUTE),
    };
    return call<{summaries?: AlertSummaryJson[]}>("SummarizeAlerts", {...asked, bucket: durationJson(length)}, signal).then(
      (answer) => {
        const summaries = answer.summaries ?? [];
        this.counts.replaceChildren(countsChart(sumBuckets(summaries.map((one) => one.buckets)), from, from + Math.ceil((to - from) / length) * length, length, zone));
        if (!this.byAlert.matches(":active")) this.drawByAlert(summaries, from, to, length);
        // Not while a button is held down: what replaces it would not be clicked.
        if (!this.top.matches(":active")) this.drawTop(summaries);
        if (!this.flapping.matches(":active")) this.drawFlapping(summaries);
      },
      (error: unknown) => {
        if (signal.aborted) return;
        const words = error instanceof CallError && error.code === "unimplemented"
          ? "This correlator does not sum up alerts." : error instanceof Error ? error.message : "";
        for (const box of [this.counts, this.top, this.flapping, this.byAlert]) {
          box.replaceChildren(h("p", {class: "dim", text: words}));
        }
      });
  }

  // Counts over time of those that fired most often, on one scale.
  private drawByAlert(summaries: readonly AlertSummaryJson[], from: number, to: number, length: number): void {
    const top = summaries.filter((one) => (one.episodes ?? 0) > 0)
      .sort((a, b) => (b.episodes ?? 0) - (a.episodes ?? 0)).slice(0, TOP)
      .map((one) => ({name: one.labels?.["alertname"] ?? "", episodes: one.episodes ?? 0, buckets: sumBuckets([one.buckets])}));
    const most = Math.max(1, ...top.map((one) => mostOf(one.buckets)));
    const end = from + Math.ceil((to - from) / length) * length;
    if (top.length === 0) {
      this.byAlert.replaceChildren(h("p", {class: "dim", text: "Nothing fired."}));
      return;
    }
    this.byAlert.replaceChildren(...top.map((one) => {
      const name = visible(one.name) || "(no alertname)";
      return h("div", {class: "by-alert-line"},
        button(name, "by-alert-name", () => this.showRows({alertName: one.name, instance: ""}), `Show the rows of ${name}`),
        countsBars(one.buckets, from, end, length, this.app.zone, most, `${name}: fired and resolved over time`),
        h("span", {class: "number dim", text: formatCount(one.episodes), title: "Episodes"}));
    }));
  }

  private drawTop(summaries: readonly AlertSummaryJson[]): void {
    const top = summaries
      .map((one) => ({one, time: parseDuration(one.firingTime) ?? 0}))
      .filter(({time}) => time > 0).sort((a, b) => b.time - a.time).slice(0, TOP);
    const most = top[0]?.time ?? 1;
    this.top.replaceChildren(...this.ranking(top.map(({one, time}) => ({
      name: one.labels?.["alertname"] ?? "", part: time / most,
      value: formatDuration(time), title: `${formatCount(one.episodes ?? 0)} episodes of ${formatCount(one.alerts ?? 0)} alerts`,
    })), "Nothing fired."));
  }

  private drawFlapping(summaries: readonly AlertSummaryJson[]): void {
    const top = summaries.filter((one) => (one.flaps ?? 0) > 0)
      .sort((a, b) => (b.flaps ?? 0) - (a.flaps ?? 0)).slice(0, TOP);
    const most = top[0]?.flaps ?? 1;
    this.flapping.replaceChildren(...this.ranking(top.map((one) => ({
      name: one.labels?.["alertname"] ?? "", part: (one.flaps ?? 0) / most, value: `${formatCount(one.flaps ?? 0)}×`,
      title: `Last ${formatRowTime(Date.parse(one.lastEventTime ?? "") || 0, this.app.now(), this.app.zone)}`,
    })), "No alert fired again within 10 minutes of its end."));
  }

  private ranking(entries: readonly {name: string; part: number; value: string; title: string}[],
                  none: string): HTMLElement[] {
    if (entries.length === 0) return [h("p", {class: "dim", text: none})];
    return entries.map((entry) => {
      const line = button("", "rank", () => this.showRows({alertName: entry.name, instance: ""}), entry.title);
      const fill = h("span", {class: "rank-fill"});
      fill.style.width = `${Math.max(1, entry.part * 100)}%`;
      line.append(fill, h("span", {class: "rank-name", text: visible(entry.name) || "(no alertname)"}),
        h("span", {class: "rank-value number", text: entry.value}));
      return line;
    });
  }
}

// Of the lane that the element is in; "" outside of all.
function laneKey(target: EventTarget | null): string {
  return (target instanceof Element ? target.closest<HTMLElement>(".lane")?.dataset["key"] : undefined) ?? "";
}

function labelText(lane: Lane): string {
  return Object.entries(lane.labels).map(([name, value]) => `${name}=${value}`).join("\n");
}

export function card(title: string, body: HTMLElement, kind = ""): HTMLElement {
  return h("section", {class: `card ${kind}`}, h("h2", {text: title}), body);
}
