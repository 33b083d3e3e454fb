// The table of joined rows: of 100,000 rows only those in sight exist as elements, and these are
// used again and again.

import type {Row} from "../logic/rows";
import {moveByKey, scrollToShow, virtualWindow} from "../logic/virtual";
import {h, setClass, setText} from "./dom";
import type {Column, ShowContext} from "./joined_columns";

const OVERSCAN = 6;
// How long a changed value is marked.
const CHANGED_FOR = 4_000;

interface Cell {
  element: HTMLElement;
  text: HTMLElement;
  note: HTMLElement;
  kind: string;
  title: string;
}

interface Line {
  element: HTMLElement;
  cells: Cell[];
  index: number;
  top: number;
}

export interface RowGridEvents {
  open(row: Row): void;
  // The user has scrolled away from the newest row, or back to it.
  away(away: boolean): void;
}

export class RowGrid {
  readonly element: HTMLElement;
  private readonly head: HTMLElement;
  private readonly body: HTMLElement;
  private readonly lines: Line[] = [];
  private columns: readonly Column[] = [];
  private rows: readonly Row[] = [];
  private rowHeight = 0;
  private measured = false;
  private headHeight = 0;
  private activeId = "";
  private activeIndex = -1;
  private openId = "";
  private frame = 0;
  private context: ShowContext = {zone: "utc", now: 0};

  constructor(private readonly events: RowGridEvents) {
    this.head = h("div", {class: "grid-head", attrs: {role: "row", "aria-rowindex": "1"}});
    this.body = h("div", {class: "grid-body", attrs: {role: "rowgroup"}});
    this.element = h("div", {
      class: "grid",
      attrs: {role: "grid", tabindex: "0", "aria-label": "Joined rows, newest first"},
    }, h("div", {class: "grid-head-group", attrs: {role: "rowgroup"}}, this.head), this.body);
    this.element.addEventListener("scroll", () => this.scrolled(), {passive: true});
    this.element.addEventListener("keydown", (event) => this.keyed(event));
    this.body.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => {
      this.measured = false;
      this.schedule();
    }).observe(this.element);
  }

  // `width`: that of the table at least, in pixels.
  setColumns(columns: readonly Column[], width: number): void {
    this.columns = columns;
    this.element.style.setProperty("--columns", columns.map((column) => column.width).join(" "));
    this.element.style.setProperty("--table-width", `${width}px`);
    this.element.setAttribute("aria-colcount", String(columns.length));
    this.head.replaceChildren(...columns.map((column) => h("div", {
      class: `cell c-${cssName(column.key)}${column.numeric ? " number" : ""}`,
      text: column.title, title: column.hint, attrs: {role: "columnheader"},
    })));
    for (const line of this.lines) line.element.remove();
    this.lines.length = 0;
    this.schedule();
  }

  // `rows` oldest first; they are shown newest first.
  setRows(rows: readonly Row[], context: ShowContext): void {
    this.rows = rows;
    this.context = context;
    this.activeIndex = -1;
    this.draw();
  }

  // Marks the row whose detail is open.
  setOpen(id: string): void {
    this.openId = id;
    if (id) this.activeId = id;
    this.schedule();
  }

  toTop(): void {
    this.element.scrollTop = 0;
    this.events.away(false);
  }

  focus(): void {
    this.element.focus({preventScroll: true});
  }

  private at(index: number): Row | undefined {
    return this.rows[this.rows.length - 1 - index];
  }

  private scrolled(): void {
    this.measure();
    this.events.away(this.element.scrollTop > this.rowHeight);
    this.schedule();
  }

  private schedule(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private measure(): void {
    if (this.measured) return;
    this.measured = true;
    const style = getComputedStyle(this.element);
    this.rowHeight = parseFloat(style.getPropertyValue("--row-height")) || 28;
    this.headHeight = this.head.offsetHeight;
  }

  private draw(): void {
    if (!this.element.isConnected || this.columns.length === 0) return;
    this.measure();
    const viewHeight = Math.max(0, this.element.clientHeight - this.headHeight);
    if (viewHeight === 0) return;
    const window = virtualWindow(this.rows.length, this.rowHeight, this.element.scrollTop, viewHeight, OVERSCAN);
    const height = `${window.height}px`;
    if (this.body.style.height !== height) this.body.style.height = height;
    this.element.setAttribute("aria-rowcount", String(this.rows.length + 1));
    while (this.lines.length < window.count) this.lines.push(this.makeLine());
    // The element of a row is told by its index, so that scrolling by one changes one.
    const now = performance.now();
    const size = this.lines.length;
    const used = new Set<number>();
    for (let index = window.first; index < window.first + window.count; index++) {
      const slot = index % size;
      used.add(slot);
      const line = this.lines[slot];
      const row = this.at(index);
      if (line && row) this.drawLine(line, row, index, now);
    }
    this.lines.forEach((line, slot) => {
      if (line.element.hidden === used.has(slot)) line.element.hidden = !used.has(slot);
    });
  }

  private makeLine(): Line {
    const cells = this.columns.map((column): Cell => {
      const text = h("span", {class: "text"});
      const note = h("span", {class: "note"});
      const element = h("div", {attrs: {role: "gridcell"}}, text, note);
      const base = `cell c-${cssName(column.key)}${column.numeric ? " number" : ""}`;
      element.className = base;
      element.dataset["base"] = base;
      return {element, text, note, kind: "", title: ""};
    });
    const element = h("div", {class: "row", attrs: {role: "row"}}, ...cells.map((cell) => cell.element));
    this.body.append(element);
    return {element, cells, index: -1, top: -1};
  }

  private drawLine(line: Line, row: Row, index: number, now: number): void {
    const element = line.element;
    if (line.index !== index) {
      line.index = index;
      element.setAttribute("aria-rowindex", String(index + 2));
      element.id = `row-${index}`;
      setClass(element, "odd", index % 2 === 1);
    }
    const top = index * this.rowHeight;
    if (line.top !== top) {
      line.top = top;
      element.style.transform = `translateY(${top}px)`;
    }
    if (element.dataset["id"] !== row.id) element.dataset["id"] = row.id;
    setClass(element, "is-firing", row.state === "firing");
    setClass(element, "changed", row.changedAt > 0 && now - row.changedAt < CHANGED_FOR);
    const active = row.id === this.activeId;
    setClass(element, "active", active);
    setClass(element, "open", row.id === this.openId);
    element.setAttribute("aria-selected", String(row.id === this.openId));
    if (active) {
      this.activeIndex = index;
      if (this.element.getAttribute("aria-activedescendant") !== element.id) {
        this.element.setAttribute("aria-activedescendant", element.id);
      }
    }
    this.columns.forEach((column, at) => {
      const cell = line.cells[at];
      if (cell) drawCell(cell, column.show(row, this.context));
    });
  }

  private keyed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    this.measure();
    if (event.key === "Enter") {
      const row = this.at(this.currentIndex());
      if (row) this.events.open(row);
      return;
    }
    const pageRows = Math.max(1, Math.floor((this.element.clientHeight - this.headHeight) / this.rowHeight) - 1);
    const to = moveByKey(event.key, this.currentIndex(), this.rows.length, pageRows);
    if (to === undefined) return;
    event.preventDefault();
    this.activate(to);
  }

  private currentIndex(): number {
    if (this.at(this.activeIndex)?.id === this.activeId) return this.activeIndex;
    const found = this.rows.findIndex((row) => row.id === this.activeId);
    return found < 0 ? -1 : this.rows.length - 1 - found;
  }

  private activate(index: number): void {
    const row = this.at(index);
    if (!row) return;
    this.activeId = row.id;
    this.activeIndex = index;
    const viewHeight = this.element.clientHeight - this.headHeight;
    this.element.scrollTop = scrollToShow(index, this.rowHeight, this.element.scrollTop, viewHeight);
    this.draw();
  }

  private clicked(event: MouseEvent): void {
    const line = (event.target as Element).closest<HTMLElement>(".row");
    const index = this.lines.find((one) => one.element === line)?.index;
    const row = index === undefined ? undefined : this.at(index);
    // Selecting text is no click.
    if (!row || (getSelection()?.toString() ?? "") !== "") return;
    this.activeId = row.id;
    this.events.open(row);
  }
}

function drawCell(cell: Cell, shown: {text: string; kind?: string; title?: string; note?: string}): void {
  setText(cell.text, shown.text);
  setText(cell.note, shown.note ?? "");
  const kind = shown.kind ?? "";
  if (cell.kind !== kind) {
    cell.kind = kind;
    cell.element.className = kind ? `${cell.element.dataset["base"]} ${kind}` : cell.element.dataset["base"] ?? "";
  }
  const title = shown.title ?? "";
  if (cell.title !== title) {
    cell.title = title;
    cell.element.title = title;
  }
}

// A part of a class name that is safe whatever a label is called.
function cssName(key: string): string {
  return key.startsWith("label:") ? "label" : key;
}
