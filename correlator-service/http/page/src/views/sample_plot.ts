// The live samples of one query: a plot of the first series, and all series with their last value.

import uPlot from "uplot";
import {formatCount, formatValue} from "../logic/numbers";
import {LISTED_MAX, type LiveSeries, PLOTTED_MAX, SAMPLES_SPAN} from "../logic/samples";
import {formatAge, formatClock} from "../logic/times";
import type {App} from "./app";
import {cssColour, h, setClass, setText} from "./dom";

const HEIGHT = 240;
const CHANGED_FOR = 1_500;

interface Line {
  element: HTMLElement;
  swatch: HTMLElement;
  value: HTMLElement;
  age: HTMLElement;
  series: LiveSeries;
}

export class SamplePlot {
  readonly element: HTMLElement;
  readonly note = h("p", {class: "dim"});
  private readonly title = h("p", {class: "samples-title"});
  private readonly box = h("div", {class: "plot-canvas"});
  private readonly list = h("tbody");
  private lines = new Map<string, Line>();
  private plot: uPlot | undefined;
  private plotKey = "";
  private all: readonly LiveSeries[] = [];

  constructor(private readonly app: App) {
    this.element = h("div", {}, this.title, this.box,
      h("div", {class: "table-box series-box", attrs: {tabindex: "0", role: "region", "aria-label": "Series"}},
        h("table", {class: "series-table"}, h("thead", {}, h("tr", {},
          h("th", {text: "Series", attrs: {scope: "col"}}), h("th", {class: "number", text: "Last value", attrs: {scope: "col"}}),
          h("th", {class: "number", text: "Age", attrs: {scope: "col"}}), h("th", {class: "number", text: "Samples", attrs: {scope: "col"}}))),
        this.list)), this.note);
    new ResizeObserver(() => {
      const width = this.box.clientWidth;
      if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({width, height: HEIGHT});
    }).observe(this.box);
    document.addEventListener("themechange", () => (this.plotKey = ""));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.plotKey = ""));
  }

  draw(query: string, all: readonly LiveSeries[], loading: boolean): void {
    this.all = all;
    setText(this.title, all.length > 0 ? query : loading ? `${query}: loading …`
      : `${query}: no sample within the last 15 min. Queries of alerting rules are polled around their alerts only.`);
    this.drawPlot(query);
    this.drawList();
  }

  tick(): void {
    this.drawList();
    if (this.plot) this.setData();
  }

  private drawPlot(query: string): void {
    const plotted = this.all.slice(0, PLOTTED_MAX);
    const key = JSON.stringify([query, plotted.map((series) => series.key), this.app.zone]);
    this.box.hidden = plotted.length === 0;
    if (key !== this.plotKey || !this.plot) {
      this.plotKey = key;
      this.plot?.destroy();
      this.plot = plotted.length === 0 ? undefined
        : new uPlot(this.options(plotted.length), this.data(), this.box);
      return;
    }
    this.setData();
  }

  private setData(): void {
    this.plot?.setData(this.data());
  }

  private data(): uPlot.AlignedData {
    return uPlot.join(this.all.slice(0, PLOTTED_MAX).map((series): uPlot.AlignedData => [
      series.times.map((time) => time / 1000),
      series.values.map((value) => value !== undefined && Number.isFinite(value) ? value : null)]));
  }

  private options(count: number): uPlot.Options {
    const axisOptions = {
      stroke: cssColour("--text-2"), font: "11px system-ui, sans-serif",
      grid: {stroke: cssColour("--line"), width: 1}, ticks: {stroke: cssColour("--line"), width: 1, size: 4},
    };
    const {zone} = this.app;
    return {
      width: this.box.clientWidth || 480, height: HEIGHT, padding: [10, 20, 0, 0],
      legend: {show: false}, cursor: {y: false, drag: {x: false, y: false}},
      tzDate: (time) => zone === "utc" ? uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000),
      scales: {x: {time: true, range: () => [(this.app.now() - SAMPLES_SPAN) / 1000, this.app.now() / 1000]}},
      axes: [
        {...axisOptions, size: 28, values: (_, times) => times.map((time) => formatClock(time * 1000, zone).slice(0, 5))},
        {...axisOptions, values: (_, values) => values.map((value) => formatValue(value)),
         size: (_, values) => 14 + 6.4 * Math.max(2, ...(values ?? []).map((value) => value.length))},
      ],
      series: [{}, ...Array.from({length: count}, (_, at): uPlot.Series => ({
        stroke: cssColour(`--series-${at % 6}`), width: 1.5, points: {show: false}, spanGaps: false,
      }))],
    };
  }

  private drawList(): void {
    const now = this.app.now();
    const kept = new Map<string, Line>();
    const shown = this.all.slice(0, LISTED_MAX);
    shown.forEach((series, at) => {
      const line = this.lines.get(series.key) ?? this.makeLine(series);
      kept.set(series.key, line);
      line.series = series;
      // Series before it may have come or gone, and the plot's colours go by the place.
      const swatch = at < PLOTTED_MAX ? `swatch series-${at % 6}` : "swatch none";
      if (line.swatch.className !== swatch) line.swatch.className = swatch;
      this.drawLine(line, now);
    });
    const order = shown.map((series) => (kept.get(series.key) as Line).element);
    if (order.length !== this.list.children.length || order.some((element, at) => this.list.children[at] !== element)) {
      this.list.replaceChildren(...order);
    }
    this.lines = kept;
  }

  private makeLine(series: LiveSeries): Line {
    const value = h("td", {class: "number strong"});
    const age = h("td", {class: "number dim"});
    const swatch = h("span");
    const element = h("tr", {}, h("td", {class: "code", title: series.name}, swatch, h("span", {text: series.name})),
      value, age, h("td", {class: "number dim"}));
    return {element, swatch, value, age, series};
  }

  private drawLine(line: Line, now: number): void {
    const {times, values, changedAt} = line.series;
    const last = times.length - 1;
    const value = values[last];
    setText(line.value, last < 0 ? "" : value === undefined ? "stale" : formatValue(value));
    setText(line.age, last < 0 ? "" : formatAge(Math.max(0, now - (times[last] as number))));
    setText(line.element.lastElementChild as Element, formatCount(times.length));
    setClass(line.element, "changed", performance.now() - changedAt < CHANGED_FOR);
  }
}
