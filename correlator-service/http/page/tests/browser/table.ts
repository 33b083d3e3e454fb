// What the browser tests do with the table of joined rows, and what they see there.

import type {Page} from "playwright-core";
import type {JoinedRowJson} from "../../src/logic/api";
import type {FakeCorrelator} from "./fake_correlator";
import {makeRow} from "./generated";
import {phase} from "./support";

// A row of now that the tests change as they like.
export function newRow(server: FakeCorrelator, id: string, value: number,
                       patch: Partial<JoinedRowJson> = {}): JoinedRowJson {
  const row = makeRow(0, server.base, 0);
  const time = new Date().toISOString();
  return {
    ...row, rowId: id, final: false,
    transition: {...row.transition, alertName: id, eventTime: time, startsAt: time, labels: {...row.transition?.labels, alertname: id, team: "new"}},
    match: {...row.match, state: "MATCH_STATE_MATCHED", value}, ...patch,
  };
}

// The row of an alert, once it is in sight.
export function line(page: Page, alert: string) {
  return page.locator(".row:not([hidden])", {has: page.locator(".c-alert .text", {hasText: new RegExp(`^${alert}$`)})});
}

// Waits until a cell of the alert's row shows exactly this.
export async function shows(page: Page, alert: string, name: string, text: string, part = "text"): Promise<void> {
  await line(page, alert).locator(`.c-${name} .${part}`, {hasText: new RegExp(`^${text}$`)}).waitFor();
}

// Waits until this many rows are loaded and shown as the count.
export async function counts(page: Page, rows: number): Promise<void> {
  await phase(page, "live");
  await page.locator(".joined .count", {hasText: new RegExp(`^${rows} rows$`)}).waitFor();
  if (rows > 0) await page.locator(".row:not([hidden])").first().waitFor();
}

export async function addressHas(page: Page, name: string, value: string | null): Promise<void> {
  await page.waitForURL((url) => url.searchParams.get(name) === value);
}

export async function cell(page: Page, alert: string, name: string, part = "text"): Promise<string> {
  return (await line(page, alert).locator(`.c-${name} .${part}`).textContent()) ?? "";
}
