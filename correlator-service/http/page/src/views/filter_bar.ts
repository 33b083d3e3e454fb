// The filter and the other choices above the rows and above the alerts.

import {parseFilter} from "../logic/matchers";
import {WINDOWS} from "../logic/url_state";
import type {App} from "./app";
import {button, h, setText} from "./dom";

const TYPING_PAUSE = 500;

export interface FilterBarOptions {
  // Whether state, query and "final only" can be chosen.
  rows: boolean;
}

export class FilterBar {
  readonly element: HTMLElement;
  // At the right end: counts and buttons of the view.
  readonly extra = h("div", {class: "toolbar-extra"});
  private readonly input = h("input", {
    class: "filter-input",
    attrs: {
      type: "text", "aria-label": "Filter by labels", spellcheck: "false", autocomplete: "off",
      autocapitalize: "off", placeholder: 'Filter: severity="page", job=~"api.*"',
    },
  });
  private readonly problem: HTMLElement;
  private readonly states: HTMLButtonElement[] = [];
  private readonly window = h("select", {attrs: {"aria-label": "How far back"}});
  private readonly query = h("button", {class: "chip", attrs: {type: "button"}});
  private readonly finalOnly = h("input", {attrs: {type: "checkbox"}});
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly app: App, options: FilterBarOptions) {
    this.problem = h("div", {class: "filter-problem", attrs: {role: "alert"}});
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.apply();
      if (event.key === "Escape") this.input.blur();
    });
    this.window.addEventListener("change", () => this.app.change({window: Number(this.window.value)}));
    this.finalOnly.addEventListener("change", () => this.app.change({finalOnly: this.finalOnly.checked}));
    this.query.addEventListener("click", () => this.app.change({query: ""}));
    this.query.title = "Show rows of all queries";
    const segments = h("div", {class: "segments", attrs: {role: "group", "aria-label": "State"}});
    for (const [value, text] of [["", "All"], ["firing", "Firing"], ["resolved", "Resolved"]] as const) {
      const one = button(text, "segment", () => this.app.change({state: value}));
      one.dataset["value"] = value;
      this.states.push(one);
      segments.append(one);
    }
    this.element = h("div", {class: "toolbar"},
      h("div", {class: "filter"}, this.input, this.problem),
      options.rows && segments,
      h("label", {class: "field"}, h("span", {text: "Last"}), this.window),
      options.rows && h("label", {class: "field check"}, this.finalOnly, h("span", {text: "Final only"})),
      options.rows && this.query,
      this.extra);
  }

  update(): void {
    const {state} = this.app;
    if (document.activeElement !== this.input || this.timer === undefined) {
      if (this.input.value.trim() !== state.filter.trim()) this.input.value = state.filter;
    }
    for (const one of this.states) {
      one.setAttribute("aria-pressed", String(one.dataset["value"] === state.state));
    }
    this.finalOnly.checked = state.finalOnly;
    this.query.hidden = !state.query;
    setText(this.query, `Query: ${state.query} ✕`);
    this.updateWindows();
    this.check();
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  // What the server says against the filter.
  refuse(message: string): void {
    if (!this.problem.textContent) setText(this.problem, message);
    this.input.setAttribute("aria-invalid", String(Boolean(this.problem.textContent)));
  }

  private updateWindows(): void {
    const {window} = this.app.state;
    const options = WINDOWS.some(([, length]) => length === window)
      ? WINDOWS : [...WINDOWS, [`${window / 60_000}m`, window] as const];
    if (this.window.options.length !== options.length) {
      this.window.replaceChildren(...options.map(([text, length]) =>
        h("option", {text: text.replace(/(\d+)/, "$1 ").trim(), attrs: {value: String(length)}})));
    }
    this.window.value = String(window);
  }

  private typed(): void {
    clearTimeout(this.timer);
    setText(this.problem, "");
    this.timer = setTimeout(() => this.apply(), TYPING_PAUSE);
  }

  private apply(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.check()) this.app.change({filter: this.input.value.trim()});
  }

  private check(): boolean {
    const parsed = parseFilter(this.input.value);
    setText(this.problem, parsed.ok ? "" : `Column ${parsed.column}: ${parsed.message}`);
    this.input.setAttribute("aria-invalid", String(!parsed.ok));
    return parsed.ok;
  }
}
