// The front: joined rows, newest first, as they come; beside them the detail of one.

import {formatCount} from "../logic/numbers";
import type {Row} from "../logic/rows";
import type {App, PageView} from "./app";
import {button, h, setText} from "./dom";
import {emptyRows} from "./empty_states";
import {FilterBar} from "./filter_bar";
import {COLUMNS, COLUMNS_BESIDE_DETAIL, labelColumn} from "./joined_columns";
import {RowDetail} from "./row_detail";
import {RowGrid} from "./row_grid";

export class JoinedView implements PageView {
  readonly element: HTMLElement;
  private readonly bar: FilterBar;
  private readonly grid: RowGrid;
  private readonly detail: RowDetail;
  private readonly count = h("span", {class: "count"});
  private readonly fresh: HTMLButtonElement;
  private readonly empty = h("div", {class: "empty"});
  private readonly chooser = h("details", {class: "chooser"});
  private readonly choices = h("div", {class: "choices", attrs: {role: "group", "aria-label": "Labels as columns"}});
  // The rows as they were when the user scrolled away; undefined while the newest are followed.
  private frozen: Row[] | undefined;
  private insertionsThen = 0;
  private pausedByKey = false;
  private columnKey = "";
  private visible = false;

  constructor(private readonly app: App) {
    this.bar = new FilterBar(app, {rows: true});
    this.grid = new RowGrid({
      open: (row) => this.app.change({row: row.id}, true),
      away: (away) => this.setAway(away),
    });
    this.detail = new RowDetail(app, () => this.closeDetail());
    this.fresh = button("", "fresh", () => this.follow());
    this.chooser.append(h("summary", {class: "chip", text: "Columns"}), this.choices);
    this.chooser.addEventListener("toggle", () => this.updateChoices());
    this.chooser.addEventListener("focusout", (event) => {
      const to = event.relatedTarget;
      if (to instanceof Node && !this.chooser.contains(to)) this.chooser.open = false;
    });
    this.bar.extra.append(this.chooser, this.count);
    this.element = h("section", {class: "view joined", attrs: {"aria-label": "Joined rows"}},
      this.bar.element,
      h("div", {class: "split"},
        h("div", {class: "grid-box"}, this.grid.element, this.fresh, this.empty),
        this.detail.element));
  }

  show(): void {
    this.visible = true;
    this.update();
  }

  hide(): void {
    this.visible = false;
  }

  // The stream that it shows is the app's.
  rest(): void {}

  wake(): void {}

  retryNow(): void {}

  update(): void {
    if (!this.visible) return;
    const {state} = this.app;
    // Narrow screens show the detail over the table, and wide ones have room for both.
    const beside = state.row !== "" && innerWidth > 1100 && innerWidth < 1900;
    const key = JSON.stringify([state.columns, beside]);
    if (key !== this.columnKey) {
      this.columnKey = key;
      if (beside) this.grid.setColumns(COLUMNS_BESIDE_DETAIL, 600);
      // Each label's column makes the table wider, rather than all others narrower.
      else this.grid.setColumns([...COLUMNS, ...state.columns.map(labelColumn)], 1240 + 110 * state.columns.length);
    }
    this.bar.update();
    this.detail.open(state.row);
    this.detail.zoneChanged();
    this.grid.setOpen(state.row);
    this.draw();
  }

  // The rows have changed.
  draw(): void {
    if (!this.visible) return;
    const settled = this.app.rows.settled();
    const rows = this.frozen ?? settled;
    this.grid.setRows(rows, {zone: this.app.zone, now: this.app.now()});
    const {evicted} = this.app.rows;
    setText(this.count, `${formatCount(settled.length)} ${settled.length === 1 ? "row" : "rows"}`);
    this.count.title = evicted > 0
      ? `The newest rows; ${formatCount(evicted)} older ones have left the page` : "";
    this.drawFresh();
    this.drawEmpty(rows.length === 0);
    this.detail.rowsChanged();
  }

  tick(): void {
    if (!this.visible) return;
    this.drawEmpty(this.isEmpty());
    this.detail.tick();
  }

  // The stream was refused, for this reason.
  refused(message: string): void {
    this.bar.refuse(message);
    this.drawEmpty(this.isEmpty());
  }

  // Another snapshot: what was frozen is no more.
  reset(): void {
    this.frozen = undefined;
    this.pausedByKey = false;
    this.grid.toTop();
  }

  // Commands for copying name another place now.
  commandsChanged(): void {
    this.detail.commandsChanged();
  }

  focusFilter(): void {
    this.bar.focus();
  }

  focusRows(): void {
    this.grid.focus();
  }

  togglePause(): void {
    if (this.frozen) {
      this.follow();
    } else {
      this.pausedByKey = true;
      this.freeze();
      this.draw();
    }
  }

  closeDetail(): void {
    if (!this.app.state.row) return;
    this.app.change({row: ""}, true);
    this.grid.focus();
  }

  private setAway(away: boolean): void {
    if (away && !this.frozen) this.freeze();
    else if (!away && this.frozen && !this.pausedByKey) {
      this.frozen = undefined;
      this.draw();
    }
  }

  private freeze(): void {
    this.frozen = [...this.app.rows.settled()];
    this.insertionsThen = this.app.rows.insertions;
    this.drawFresh();
  }

  private follow(): void {
    this.frozen = undefined;
    this.pausedByKey = false;
    this.grid.toTop();
    this.draw();
    this.grid.focus();
  }

  private drawFresh(): void {
    const count = this.app.rows.insertions - this.insertionsThen;
    const show = this.frozen !== undefined && (count > 0 || this.pausedByKey);
    if (this.fresh.hidden === show) this.fresh.hidden = !show;
    if (show) setText(this.fresh, count > 0 ? `${formatCount(count)} new ↑` : "Paused – go on ↑");
  }

  // Whether no row is shown: while the table stands still there may be some that have left the page.
  private isEmpty(): boolean {
    return (this.frozen?.length ?? this.app.rows.size) === 0;
  }

  private drawEmpty(none: boolean): void {
    const phase = this.app.stream.connection.phase(performance.now());
    const key = none ? `${phase} ${this.app.state.filter} ${this.app.state.state} ${this.app.state.query} ` +
      `${this.app.state.finalOnly} ${this.app.state.window} ${this.app.stream.connection.reason}` : "";
    if (this.empty.dataset["key"] === key) return;
    this.empty.dataset["key"] = key;
    this.empty.hidden = !none;
    this.empty.replaceChildren();
    if (none) this.empty.append(emptyRows(this.app, phase));
  }

  private updateChoices(): void {
    if (!this.chooser.open) return;
    const chosen = this.app.state.columns;
    const names = [...new Set([...chosen, ...this.app.rows.labels()])]
      .filter((name) => name !== "alertname" && name !== "instance");
    if (names.length === 0) {
      this.choices.replaceChildren(h("p", {text: "The labels of the alerts appear here once there are rows."}));
      return;
    }
    this.choices.replaceChildren(...names.map((name) => {
      const box = h("input", {attrs: {type: "checkbox"}});
      box.checked = chosen.includes(name);
      box.addEventListener("change", () => {
        const columns = this.app.state.columns.filter((one) => one !== name);
        this.app.change({columns: box.checked ? [...columns, name] : columns});
      });
      return h("label", {}, box, h("span", {text: name}));
    }));
  }
}
