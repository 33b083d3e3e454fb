// What a person sees of one row in its detail, in Chromium.

import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import type {Browser} from "playwright-core";
import type {JoinedRowJson} from "../../src/logic/api";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";
import {newRow} from "./table";

const ROWS = 400;
let browser: Browser;
let server: FakeCorrelator;

// The rows of an episode of a minute ago, both final.
function episode(name: string): [firing: JoinedRowJson, resolved: JoinedRowJson] {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const endsAt = new Date(Date.now() - 30_000).toISOString();
  const firing = newRow(server, `${name}-1`, 93.5, {final: true});
  const transition = {...firing.transition, alertName: name, labels: {alertname: name}, fingerprint: name, startsAt, eventTime: startsAt};
  return [{...firing, transition}, {
    ...firing, rowId: `${name}-2`,
    transition: {...transition, state: "ALERT_STATE_RESOLVED", eventTime: endsAt, endsAt},
  }];
}

describe("detail of a row", {skip: CHROMIUM === undefined}, () => {
  before(async () => {
    server = new FakeCorrelator({page: builtPage(), rows: ROWS});
    await server.start();
    browser = await launch();
  });

  after(async () => {
    await browser.close();
    await server.stop();
  });

  test("the detail rings the row's own sample, and gives commands that name the row", async () => {
    const {page, complaints} = await openPage(browser, server.url);
    await phase(page, "live");
    const row = [...server.rows()].filter((one) => one.match?.state === "MATCH_STATE_MATCHED").at(-1) as JoinedRowJson;
    await page.goto(`${server.url}/?row=${row.rowId}`);
    const plot = page.locator(".plot-canvas[data-chosen-time]:not([data-chosen-time=''])");
    await plot.waitFor();
    assert.equal(await plot.getAttribute("data-chosen-time"), String(Date.parse(row.match?.sampleTime ?? "")));
    assert.equal(Number(await plot.getAttribute("data-chosen-value")), row.match?.value);
    const copy = page.getByRole("button", {name: "Copy as grpcurl"});
    assert.match(await copy.getAttribute("title") ?? "", new RegExp(`"row_id":"${row.rowId}"`));
    await page.locator('button[title*=" 127.0.0.1:19750 "]').waitFor();
    await page.locator(`button[title*='alertjoin.connect("127.0.0.1:19750")']`).waitFor();
    const link = await page.getByRole("link", {name: /Open in Prometheus/}).getAttribute("href");
    assert.match(link ?? "", /^http:\/\/prometheus\.example\.org:9090\/graph\?.*g0\.end_input=/);
    const runbook = page.getByRole("link", {name: /runbooks\.example\.org/});
    assert.equal(await runbook.getAttribute("rel"), "noopener noreferrer");
    await page.keyboard.press("Escape");
    await page.locator(".detail").waitFor({state: "hidden"});
    await page.waitForURL((url) => url.search === "");
    await page.goBack();
    await page.locator(".detail").waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("the other zone reaches an open detail", async () => {
    const row = [...server.rows()].at(-1) as JoinedRowJson;
    const {page} = await openPage(browser, `${server.url}/?row=${row.rowId}`, {timezoneId: "Asia/Tokyo"});
    await page.locator(".key-figures").waitFor();
    const time = new Date(row.transition?.eventTime ?? "");
    const utc = `${time.toISOString().slice(11, 23)} UTC`;
    await page.locator(".detail-subtitle", {hasText: utc}).waitFor();
    // No answer brings it.
    await page.route("**/GetAlertContext", (route) => route.abort());
    await page.getByRole("button", {name: "UTC"}).click();
    const there = new Date(time.getTime() + 9 * 3_600_000).toISOString().slice(11, 23);
    await page.locator(".detail-subtitle", {hasText: there}).waitFor();
    await page.locator(".facts dd", {hasText: there}).first().waitFor();
    assert.equal(await page.locator(".detail", {hasText: " UTC"}).count(), 0);
    await page.context().close();
  });

  test("the detail of a row without series says so, and all else that is known", async () => {
    const row = [...server.rows()].filter((one) => one.match?.state === "MATCH_STATE_NO_SERIES").at(-1) as JoinedRowJson;
    const {page, complaints} = await openPage(browser, `${server.url}/?row=${row.rowId}`);
    await page.locator(".legend", {hasText: "No series belongs to this row"}).waitFor();
    await page.locator(".facts dd", {hasText: row.rowId ?? ""}).waitFor();
    await page.locator(".plot-canvas canvas").waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("among firing rows alone the end of an alert is asked for", async () => {
    const all = [...server.rows()];
    const resolved = all.filter((one) => one.transition?.state === "ALERT_STATE_RESOLVED").at(-1);
    const firing = all.find((one) => one.transition?.state === "ALERT_STATE_FIRING" &&
      one.transition.startsAt === resolved?.transition?.startsAt && one.transition?.fingerprint === resolved?.transition?.fingerprint);
    assert.ok(firing);
    const {page} = await openPage(browser, `${server.url}/?state=firing`);
    await phase(page, "live");
    const request = page.waitForRequest(/ListJoinedRows/);
    await page.evaluate((id) => {
      history.pushState(null, "", `/?state=firing&row=${id}`);
      dispatchEvent(new PopStateEvent("popstate"));
    }, firing.rowId ?? "");
    assert.equal((JSON.parse((await request).postData() ?? "") as {state: string}).state, "ALERT_STATE_RESOLVED");
    await page.context().close();
  });

  test("the end of an alert reaches the open detail of its firing row, final as that is", async () => {
    const [firing, resolved] = episode("Ends");
    server.push([firing]);
    const {page, complaints} = await openPage(browser, `${server.url}/?row=${firing.rowId}`);
    await page.locator(".plot-canvas[data-end='']").waitFor();
    const {source} = resolved.transition ?? {};
    server.push([{...resolved, rowId: "other-source", transition: {...resolved.transition, source: `not ${source}`, eventTime: resolved.transition?.startsAt ?? ""}}]);
    server.push([resolved]);
    await page.locator(`.plot-canvas[data-end="${Date.parse(resolved.transition?.eventTime ?? "")}"]`).waitFor();
    // And once more, when it is amended.
    const later = new Date(Date.parse(resolved.transition?.eventTime ?? "") + 1_000).toISOString();
    server.push([{...resolved, revision: "2", transition: {...resolved.transition, eventTime: later, endsAt: later}}]);
    await page.locator(`.plot-canvas[data-end="${Date.parse(later)}"]`).waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("where the stream brings no ends the correlator is asked until it knows the one of this source", async () => {
    const [firing, resolved] = episode("EndsElsewhere");
    const begin = resolved.transition?.startsAt ?? "";
    // The same alert, as another source tells it.
    const other = {...resolved, rowId: "elsewhere", transition: {...resolved.transition, source: "another", eventTime: begin, endsAt: begin}};
    server.push([firing, other]);
    let first: Promise<unknown> | undefined;
    const {page} = await openPage(browser, `${server.url}/?state=firing&row=${firing.rowId}`, {}, async (one) => {
      await one.clock.install();
      first = one.waitForResponse(/ListJoinedRows/);
    });
    await first;
    await page.locator(".plot-canvas[data-end='']").waitFor();
    const second = page.waitForResponse(/ListJoinedRows/);
    await page.clock.fastForward(10_000);
    await second;
    assert.equal(await page.locator(".plot-canvas").getAttribute("data-end"), "");
    server.push([resolved]);
    await page.clock.fastForward(10_000);
    await page.locator(`.plot-canvas[data-end="${Date.parse(resolved.transition?.eventTime ?? "")}"]`).waitFor();
    await page.context().close();
  });
});
