// The live page: one stream of joined rows, three views of what the correlator knows.

import type {JoinedRowJson} from "./logic/api";
import type {Phase} from "./logic/connection";
import {type GrpcPlace, grpcPlace, type GrpcPlaceJson} from "./logic/links";
import {ProgressBoard} from "./logic/progress";
import {RowStore} from "./logic/row_store";
import {formatAge, type Zone} from "./logic/times";
import {formatUrl, type PageState, parseUrl, sameStream, streamParameters, type View} from "./logic/url_state";
import {Attention} from "./net/attention";
import {Stream} from "./net/stream";
import {AlertsView} from "./views/alerts_view";
import type {App, PageView} from "./views/app";
import {button, h, setText} from "./views/dom";
import {JoinedView} from "./views/joined_view";
import {MetricsView} from "./views/metrics_view";

const TITLES: Readonly<Record<View, string>> = {joined: "Joined", alerts: "Alerts", metrics: "Metrics"};
const PHASES: Readonly<Record<Phase, string>> = {
  connecting: "connecting", loading: "loading", live: "live", stale: "stale",
  resting: "resting", reconnecting: "reconnecting", refused: "refused",
};
const THEMES = ["auto", "light", "dark"] as const;

class LivePage implements App {
  state: PageState = parseUrl(location.search);
  zone: Zone = remembered("zone") === "local" ? "local" : "utc";
  readonly rows = new RowStore();
  readonly progress = new ProgressBoard();
  readonly stream: Stream;
  grpc: GrpcPlace = grpcPlace(location.hostname, undefined);
  private readonly joined: JoinedView;
  private readonly views: Record<View, PageView>;
  private shown: View | undefined;
  private readonly tabs = new Map<View, HTMLAnchorElement>();
  private readonly phase = h("span", {class: "phase-name", attrs: {role: "status"}});
  private readonly phaseAge = h("span", {class: "phase-age"});
  private readonly connection = h("button", {class: "connection", attrs: {type: "button"}});
  private readonly zoneButton: HTMLButtonElement;
  private readonly themeButton: HTMLButtonElement;
  private readonly notice = h("div", {class: "notice", attrs: {role: "status"}});
  private readonly help: HTMLDialogElement;
  private readonly main = h("main");
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;
  private version = "";

  constructor() {
    this.stream = new Stream("/api/v1/stream", streamParameters(this.state), {
      reset: () => {
        this.rows.clear();
        this.joined.reset();
      },
      data: (event, json) => {
        if (event === "rows") this.rows.fold((json as {rows?: JoinedRowJson[]}).rows ?? [], performance.now());
      },
      started: (started) => {
        this.version = started.version ?? "";
        void this.findGrpc();
      },
      progress: (progress) => this.progress.take(progress, performance.now(), Date.now()),
      gap: (gap) => this.notify(`Something is missing: ${gap.source ?? ""}: ${gap.reason ?? ""}`),
      draw: () => this.drawRows(),
    });
    this.joined = new JoinedView(this);
    this.views = {joined: this.joined, alerts: new AlertsView(this), metrics: new MetricsView(this)};
    this.zoneButton = button("", "icon-text", () => this.toggleZone(), "Times in UTC or in local time");
    this.themeButton = button("", "icon-text", () => this.nextTheme(), "Light or dark");
    this.help = makeHelp();
    document.body.replaceChildren(this.header(), this.main, this.notice, this.help);
    applyTheme(remembered("theme"));
    this.drawControls();
  }

  start(): void {
    addEventListener("popstate", () => this.apply(parseUrl(location.search)));
    addEventListener("keydown", (event) => this.keyed(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.retryNow();
      this.tick();
    });
    new Attention(() => this.rest(), () => this.wake()).watch();
    addEventListener("online", () => this.retryNow());
    setInterval(() => this.tick(), 1000);
    this.stream.open();
    this.showView();
    this.tick();
  }

  now(): number {
    return Date.now() + this.progress.clockOffset;
  }

  change(patch: Partial<PageState>, push = false): void {
    const state = {...this.state, ...patch};
    if (patch.view !== undefined && patch.view !== this.state.view) {
      // The query means another thing there.
      if (patch.query === undefined) state.query = "";
      if (patch.row === undefined) state.row = "";
    }
    const url = location.pathname + formatUrl(state);
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
    this.apply(state);
  }

  notify(text: string): void {
    clearTimeout(this.noticeTimer);
    setText(this.notice, text);
    this.notice.classList.add("shown");
    this.noticeTimer = setTimeout(() => this.notice.classList.remove("shown"), 4000);
  }

  private apply(state: PageState): void {
    // On the metrics view the query is the one that is looked at, and no choice of rows.
    const asked = (one: PageState): PageState => one.view === "metrics" ? {...one, query: ""} : one;
    const same = sameStream(asked(this.state), asked(state));
    this.state = state;
    if (!same) this.stream.open(streamParameters(asked(state)));
    this.showView();
  }

  private showView(): void {
    const {view} = this.state;
    if (view !== this.shown) {
      if (this.shown) this.views[this.shown].hide();
      this.shown = view;
      this.main.replaceChildren(this.views[view].element);
      document.title = `${TITLES[view]} · alertjoin`;
      for (const [name, tab] of this.tabs) {
        if (name === view) tab.setAttribute("aria-current", "page");
        else tab.removeAttribute("aria-current");
      }
      this.views[view].show();
    } else {
      this.views[view].update();
    }
    for (const [name, tab] of this.tabs) {
      tab.href = location.pathname + formatUrl({...this.state, view: name, row: "", query: name === view ? this.state.query : ""});
    }
  }

  // After each start of the correlator, which may have another port then.
  private async findGrpc(): Promise<void> {
    try {
      const response = await fetch("/assets/grpc.json", {cache: "no-store"});
      if (!response.ok) return;
      this.grpc = grpcPlace(location.hostname, (await response.json()) as GrpcPlaceJson);
      this.joined.commandsChanged();
    } catch {
      // The commands name what was known before.
    }
  }

  private header(): HTMLElement {
    const nav = h("nav", {attrs: {"aria-label": "Views"}});
    for (const view of Object.keys(TITLES) as View[]) {
      const tab = h("a", {class: "tab", text: TITLES[view], click: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        this.change({view}, true);
      }});
      this.tabs.set(view, tab);
      nav.append(tab);
    }
    this.connection.append(h("span", {class: "phase-dot", attrs: {"aria-hidden": "true"}}), this.phase, this.phaseAge);
    this.connection.addEventListener("click", () => this.retryNow());
    return h("header", {class: "top"}, h("h1", {text: "alertjoin"}), nav, h("div", {class: "spacer"}),
      this.connection, this.zoneButton, this.themeButton,
      button("?", "icon", () => this.help.showModal(), "Keys"));
  }

  private drawRows(): void {
    this.drawConnection();
    const {connection} = this.stream;
    if (connection.phase(performance.now()) === "refused") this.joined.refused(connection.reason);
    this.joined.draw();
  }

  private rest(): void {
    this.stream.rest();
    if (this.shown) this.views[this.shown].rest();
  }

  private wake(): void {
    this.stream.wake();
    if (this.shown) this.views[this.shown].wake();
    this.tick();
  }

  private retryNow(): void {
    this.stream.retryNow();
    if (this.shown) this.views[this.shown].retryNow();
  }

  private tick(): void {
    this.drawConnection();
    this.expireRows();
    // Nobody sees what a view would ask for.
    if (document.hidden) return;
    if (this.shown) this.views[this.shown].tick();
  }

  // What has grown older than the window leaves, as it would with a reload. Not by the browser's
  // clock: one that is wrong would take away what belongs here.
  private expireRows(): void {
    const time = this.progress.serverTime(performance.now());
    if (time !== undefined && this.rows.expire(time - this.state.window)) this.joined.draw();
  }

  private drawConnection(): void {
    const now = performance.now();
    const {connection} = this.stream;
    const phase = connection.phase(now);
    this.connection.dataset["phase"] = phase;
    setText(this.phase, PHASES[phase]);
    const ages = this.progress.ages(now);
    let detail = "";
    let title = this.version ? `Correlator ${this.version}\n` : "";
    if (phase === "reconnecting") {
      detail = `next try in ${Math.max(0, Math.ceil((this.stream.retryAt - now) / 1000))} s`;
      title += `${connection.reason}. It goes on where it stopped: nothing is missed. Click to try now.`;
    } else if (phase === "resting") {
      title += "Nobody has looked for a minute. It goes on where it stopped once the page is seen.";
    } else if (phase === "stale") {
      detail = `nothing for ${formatAge(connection.silence(now))}`;
      title += "The connection is open, and the correlator is silent. It is opened anew soon. Click to do so now.";
    } else if (phase === "refused") {
      title += connection.reason;
    } else if (ages) {
      detail = `metrics ${formatAge(ages.newest)} ago`;
      title += `The freshest query has sent everything up to ${formatAge(ages.newest)} ago; ` +
        `the one furthest behind, ${ages.oldestName}, up to ${formatAge(ages.oldest)} ago.`;
    }
    setText(this.phaseAge, detail);
    if (this.connection.title !== title) this.connection.title = title;
  }

  private drawControls(): void {
    setText(this.zoneButton, this.zone === "utc" ? "UTC" : "Local");
    const theme = remembered("theme") || "auto";
    const [sign, word] = theme === "light" ? ["☀", "Light"] : theme === "dark" ? ["☾", "Dark"] : ["◐", "Auto"];
    this.themeButton.replaceChildren(`${sign} `, h("span", {class: "word", text: word}));
    this.themeButton.setAttribute("aria-label", `Theme: ${word}`);
  }

  private toggleZone(): void {
    this.zone = this.zone === "utc" ? "local" : "utc";
    remember("zone", this.zone);
    this.drawControls();
    this.showView();
    this.drawRows();
  }

  private nextTheme(): void {
    const at = THEMES.findIndex((theme) => theme === (remembered("theme") || "auto"));
    const theme = THEMES[(at + 1) % THEMES.length] ?? "auto";
    remember("theme", theme);
    applyTheme(theme);
    this.drawControls();
    document.dispatchEvent(new Event("themechange"));
    this.showView();
  }

  private keyed(event: KeyboardEvent): void {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.ctrlKey || event.metaKey || event.altKey || this.help.open) return;
    if (event.key === "Escape" && !typing && this.state.view === "joined") this.joined.closeDetail();
    if (typing) return;
    const views = Object.keys(TITLES) as View[];
    const view = views[Number(event.key) - 1];
    if (view) this.change({view}, true);
    else if (event.key === "?") this.help.showModal();
    else if (this.state.view !== "joined") return;
    else if (event.key === "/") this.joined.focusFilter();
    else if (event.key === "p") this.joined.togglePause();
    else if (event.key === "g") this.joined.focusRows();
    else return;
    event.preventDefault();
  }
}

function makeHelp(): HTMLDialogElement {
  const keys: readonly (readonly [string, string])[] = [
    ["1 2 3", "Joined, Alerts, Metrics"], ["/", "Filter"], ["↑ ↓, j k", "Next and previous row"],
    ["Page ↑ ↓, Home, End", "Further"], ["Enter", "Detail of the row"], ["Esc", "Close the detail"],
    ["p", "Pause, and go on"], ["g", "To the table"], ["?", "This list"],
  ];
  const list = h("dl", {class: "labels"});
  for (const [key, meaning] of keys) list.append(h("dt", {}, h("kbd", {text: key})), h("dd", {text: meaning}));
  const dialog = h("dialog", {class: "help", attrs: {"aria-label": "Keys"}}, h("h2", {text: "Keys"}), list);
  dialog.append(button("Close", "action", () => dialog.close()));
  return dialog;
}

function remembered(key: string): string {
  try {
    return localStorage.getItem(`alertjoin.${key}`) ?? "";
  } catch {
    return "";
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`alertjoin.${key}`, value);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}

function applyTheme(theme: string): void {
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
}

new LivePage().start();
