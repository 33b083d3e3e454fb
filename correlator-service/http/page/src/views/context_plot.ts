// Draws the samples around a transition: true times, what the join chose, and when the alert fired.

import uPlot from "uplot";
import {type Context, type PlotSeries, valueRange} from "../logic/context";
import {formatValue} from "../logic/numbers";
import {formatClock, formatDate, type Zone} from "../logic/times";
import {cssColour, h, setText} from "./dom";

export interface PlotMarks {
  from: number;
  to: number;
  // The firing period; undefined ends are outside of what is known.
  firesFrom: number | undefined;
  firesTo: number | undefined;
  resolved: boolean;
  activeAt: number | undefined;
  eventTime: number;
  threshold: number | undefined;
}

const HEIGHT = 260;
// Width of a line, in pixels.
const RISER = 1.5;

export class ContextPlot {
  readonly element = h("div", {class: "plot"});
  private readonly readout = h("div", {class: "plot-readout", attrs: {"aria-hidden": "true"}});
  private readonly box = h("div", {class: "plot-canvas"});
  private plot: uPlot | undefined;
  private context: Context | undefined;
  private marks: PlotMarks | undefined;
  private zone: Zone = "utc";

  constructor() {
    this.element.append(this.box, this.readout);
    new ResizeObserver(() => {
      const width = this.box.clientWidth;
      if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({width, height: HEIGHT});
    }).observe(this.box);
  }

  clear(): void {
    this.plot?.destroy();
    this.plot = undefined;
    this.context = undefined;
    // Nothing is said of what is no longer shown.
    for (const name of ["chosenTime", "chosenValue", "samples", "end"]) delete this.box.dataset[name];
    this.element.removeAttribute("role");
    this.element.removeAttribute("aria-label");
  }

  // Draws again, after the colours have changed.
  redraw(): void {
    if (this.context && this.marks) this.draw(this.context, this.marks, this.zone);
  }

  draw(context: Context, marks: PlotMarks, zone: Zone): void {
    this.clear();
    this.context = context;
    this.marks = marks;
    this.zone = zone;
    const own = context.series[0];
    this.box.dataset["chosenTime"] = own?.chosen ? String(own.chosen.time) : "";
    this.box.dataset["chosenValue"] = own?.chosen?.value === undefined ? "" : String(own.chosen.value);
    this.box.dataset["samples"] = String(own?.samples ?? 0);
    this.box.dataset["end"] = marks.resolved ? String(marks.firesTo) : "";
    const tables = context.series.map((series): uPlot.AlignedData => [series.times, series.values]);
    // Nothing cannot be joined; without samples there are still the times.
    const data: uPlot.AlignedData = tables.length > 0 ? uPlot.join(tables) : [[marks.from / 1000, marks.to / 1000]];
    const width = this.box.clientWidth || 480;
    this.plot = new uPlot(this.options(context, marks, zone, width), data, this.box);
    setText(this.readout, "");
  }

  private options(context: Context, marks: PlotMarks, zone: Zone, width: number): uPlot.Options {
    const colour = (name: string) => cssColour(name);
    const axis = {
      stroke: colour("--text-2"), font: "11px system-ui, sans-serif",
      grid: {stroke: colour("--line"), width: 1}, ticks: {stroke: colour("--line"), width: 1, size: 4},
    };
    const [low, high] = valueRange(context.series, marks.threshold);
    return {
      width, height: HEIGHT,
      padding: [14, 16, 0, 0],
      legend: {show: false},
      cursor: {y: false, points: {size: 7}, drag: {x: false, y: false}},
      tzDate: (time) => zone === "utc" ? uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000),
      scales: {
        x: {time: true, range: () => [marks.from / 1000, marks.to / 1000]},
        y: {range: () => [low, high]},
      },
      axes: [
        {...axis, values: (_, times) => times.map((time) => axisTime(time * 1000, marks, zone)), size: 28},
        {...axis, values: (_, values) => values.map((value) => formatValue(value)),
         size: (_, values) => 14 + 6.4 * Math.max(2, ...(values ?? []).map((value) => value.length))},
      ],
      series: [{}, ...context.series.map((_, at) => this.lineOptions(at))],
      hooks: {
        drawClear: [(plot) => drawPeriod(plot, marks)],
        draw: [(plot) => drawMarks(plot, marks, context.series)],
        setCursor: [(plot) => this.showCursor(plot, context, zone)],
      },
    };
  }

  private lineOptions(at: number): uPlot.Series {
    const stroke = cssColour(at === 0 ? "--series-0" : `--series-${1 + ((at - 1) % 5)}`);
    const stepped = uPlot.paths.stepped?.({align: 1});
    return {
      stroke, width: at === 0 ? 1.5 : 1, alpha: at === 0 ? 1 : 0.65,
      ...(stepped ? {paths: stepped} : {}),
      points: {show: true, size: at === 0 ? 5 : 3, fill: stroke},
      spanGaps: false,
      // A step's riser at the end of a gap would rise from the value before it, which is not known.
      gaps: (_plot, _series, _from, _to, gaps) =>
        gaps.map(([from, to]): [number, number] => [from, to + RISER * devicePixelRatio]),
    };
  }

  private showCursor(plot: uPlot, context: Context, zone: Zone): void {
    const index = plot.cursor.idx;
    const time = index === null || index === undefined ? undefined : plot.data[0][index];
    if (time === undefined || (plot.cursor.left ?? -1) < 0) {
      setText(this.readout, "");
      return;
    }
    const parts = context.series.slice(0, 4).map((series, at) => {
      const value = plot.data[at + 1]?.[index as number];
      return value === null || value === undefined ? "" : `${formatValue(value)}${context.series.length > 1 ? ` ${series.name}` : ""}`;
    });
    setText(this.readout, `${formatClock(time * 1000, zone, true)}  ${parts.filter(Boolean).join("   ")}`);
  }
}

function axisTime(time: number, marks: PlotMarks, zone: Zone): string {
  const clock = formatClock(time, zone);
  if (clock === "00:00:00") return formatDate(time, zone).slice(5);
  return marks.to - marks.from >= 300_000 ? clock.slice(0, 5) : clock;
}

// Canvas position of a time, kept within the plot.
function xOf(plot: uPlot, time: number): number {
  const {left, width} = plot.bbox;
  return Math.max(left, Math.min(left + width, plot.valToPos(time / 1000, "x", true)));
}

function drawPeriod(plot: uPlot, marks: PlotMarks): void {
  if (marks.firesFrom === undefined) return;
  const {ctx, bbox} = plot;
  const from = xOf(plot, marks.firesFrom);
  const to = xOf(plot, marks.firesTo ?? marks.to);
  ctx.save();
  ctx.fillStyle = cssColour("--firing-shade");
  ctx.fillRect(from, bbox.top, Math.max(1, to - from), bbox.height);
  if (marks.activeAt !== undefined && marks.activeAt < marks.firesFrom) {
    ctx.fillStyle = cssColour("--pending-shade");
    const pending = xOf(plot, marks.activeAt);
    ctx.fillRect(pending, bbox.top, from - pending, bbox.height);
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, marks: PlotMarks, series: readonly PlotSeries[]): void {
  const {ctx, bbox} = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
  ctx.clip();
  if (marks.threshold !== undefined) drawThreshold(plot, marks.threshold, ratio);
  if (marks.firesFrom !== undefined) {
    verticalLine(plot, marks.firesFrom, "fired", "--firing", marks.from, marks.to, ratio);
  }
  if (marks.resolved && marks.firesTo !== undefined) {
    verticalLine(plot, marks.firesTo, "resolved", "--resolved", marks.from, marks.to, ratio);
  }
  for (const one of series) drawStale(plot, one, ratio);
  drawChosen(plot, series[0], ratio);
  ctx.restore();
}

function drawThreshold(plot: uPlot, threshold: number, ratio: number): void {
  const {ctx, bbox} = plot;
  const y = plot.valToPos(threshold, "y", true);
  if (y < bbox.top || y > bbox.top + bbox.height) return;
  ctx.strokeStyle = ctx.fillStyle = cssColour("--threshold");
  ctx.lineWidth = ratio;
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  // Readable where the line of the samples goes through it, too.
  const text = `threshold ${formatValue(threshold)}`;
  const at = [bbox.left + bbox.width - 4 * ratio, y - 2 * ratio] as const;
  ctx.strokeStyle = cssColour("--surface");
  ctx.lineWidth = 4 * ratio;
  ctx.lineJoin = "round";
  ctx.strokeText(text, ...at);
  ctx.fillText(text, ...at);
}

function verticalLine(plot: uPlot, time: number, text: string, colour: string, from: number,
                      to: number, ratio: number): void {
  if (time < from || time > to) return;
  const {ctx, bbox} = plot;
  const x = Math.round(xOf(plot, time));
  ctx.strokeStyle = ctx.fillStyle = cssColour(colour);
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  const right = text === "resolved" ? x + 52 * ratio < bbox.left + bbox.width : x - 36 * ratio < bbox.left;
  ctx.textAlign = right ? "left" : "right";
  ctx.fillText(text, x + (right ? 1 : -1) * ratio, bbox.top - 1 * ratio);
}

// A cross where a stale marker ends the series, at its last value; a letter where the value is NaN.
function drawStale(plot: uPlot, series: PlotSeries, ratio: number): void {
  const {ctx, bbox} = plot;
  const size = 4 * ratio;
  ctx.strokeStyle = ctx.fillStyle = cssColour("--stale");
  ctx.lineWidth = 1.5 * ratio;
  for (const time of series.staleTimes) {
    const y = lastValueY(plot, series, time) ?? bbox.top + bbox.height - 2 * size;
    const x = plot.valToPos(time / 1000, "x", true);
    ctx.beginPath();
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
    ctx.stroke();
  }
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  for (const time of series.nanTimes) {
    ctx.fillText("NaN", plot.valToPos(time / 1000, "x", true), bbox.top + bbox.height - 2 * ratio);
  }
}

function lastValueY(plot: uPlot, series: PlotSeries, time: number): number | undefined {
  for (let at = series.times.length - 1; at >= 0; at--) {
    const value = series.values[at];
    if ((series.times[at] as number) * 1000 >= time || value === null || value === undefined) continue;
    return plot.valToPos(value, "y", true);
  }
  return undefined;
}

function drawChosen(plot: uPlot, own: PlotSeries | undefined, ratio: number): void {
  const chosen = own?.chosen;
  if (!own || !chosen) return;
  const {ctx, bbox} = plot;
  const finite = chosen.value !== undefined && Number.isFinite(chosen.value);
  const x = plot.valToPos(chosen.time / 1000, "x", true);
  const y = finite ? plot.valToPos(chosen.value as number, "y", true)
    : lastValueY(plot, own, chosen.time) ?? bbox.top + bbox.height - 8 * ratio;
  ctx.strokeStyle = cssColour("--surface");
  ctx.lineWidth = 5 * ratio;
  ctx.beginPath();
  ctx.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
  ctx.stroke();
  ctx.strokeStyle = cssColour("--text");
  ctx.lineWidth = 2 * ratio;
  ctx.stroke();
}
