// What a person sees of the page, in Chromium, against a correlator that does as the test wants.

import assert from "node:assert/strict";
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {after, before, describe, test} from "node:test";
import type {Browser, Page} from "playwright-core";
import type {JoinedRowJson} from "../../src/logic/api";
import {makeRow} from "./generated";
import {HOSTILE, hostileRows} from "./hostile";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";

const ROWS = 400;
let browser: Browser;
let server: FakeCorrelator;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser.close();
});

// A row of now that the tests change as they like.
function newRow(id: string, value: number, patch: Partial<JoinedRowJson> = {}): JoinedRowJson {
  const row = makeRow(0, server.base, 0);
  const time = new Date().toISOString();
  return {
    ...row, rowId: id, final: false,
    transition: {...row.transition, alertName: id, eventTime: time, startsAt: time, labels: {...row.transition?.labels, alertname: id, team: "new"}},
    match: {...row.match, state: "MATCH_STATE_MATCHED", value}, ...patch,
  };
}

function line(page: Page, alert: string) {
  return page.locator(".row:not([hidden])", {has: page.locator(".c-alert .text", {hasText: new RegExp(`^${alert}$`)})});
}

// What a browser says to a page whose tab comes to the front or leaves it.
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => value});
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; !condition();) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Waits until a cell of the alert's row shows exactly this.
async function shows(page: Page, alert: string, name: string, text: string, part = "text"): Promise<void> {
  await line(page, alert).locator(`.c-${name} .${part}`, {hasText: new RegExp(`^${text}$`)}).waitFor();
}

// Waits until this many rows are loaded and shown as the count.
async function counts(page: Page, rows: number): Promise<void> {
  await phase(page, "live");
  await page.locator(".joined .count", {hasText: new RegExp(`^${rows} rows$`)}).waitFor();
  if (rows > 0) await page.locator(".row:not([hidden])").first().waitFor();
}

async function addressHas(page: Page, name: string, value: string | null): Promise<void> {
  await page.waitForURL((url) => url.searchParams.get(name) === value);
}

async function cell(page: Page, alert: string, name: string, part = "text"): Promise<string> {
  return (await line(page, alert).locator(`.c-${name} .${part}`).textContent()) ?? "";
}

describe("live page", {skip: CHROMIUM === undefined}, () => {
  before(async () => {
    server = new FakeCorrelator({page: builtPage(), rows: ROWS});
    await server.start();
  });

  after(async () => {
    await server.stop();
  });

  test("rows appear by themselves, a late sample changes the cell, a DELETE takes the row away", async () => {
    const {page, complaints} = await openPage(browser, server.url);
    await phase(page, "live");
    server.push([newRow("LateComer", 93.5)]);
    await line(page, "LateComer").waitFor();
    assert.equal(await cell(page, "LateComer", "value"), "93.5");
    assert.equal(await cell(page, "LateComer", "value", "note"), "");
    assert.equal(await cell(page, "LateComer", "final"), "open");
    server.push([newRow("LateComer", 74.8, {revision: "2", cause: "CAUSE_LATE_SAMPLE", final: true})]);
    await shows(page, "LateComer", "value", "was 93.5", "note");
    assert.equal(await cell(page, "LateComer", "value"), "74.8");
    assert.equal(await cell(page, "LateComer", "rev"), "2");
    assert.equal(await cell(page, "LateComer", "final"), "yes");
    server.push([newRow("LateComer", 74.8, {revision: "3", operation: "OPERATION_DELETE"})]);
    await line(page, "LateComer").waitFor({state: "detached"});
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("a filter narrows, stands in the address and survives a reload", async () => {
    const {page} = await openPage(browser, server.url);
    await phase(page, "live");
    const all = [...server.rows()];
    await counts(page, all.length);
    const narrowed = all.filter((row) => row.transition?.labels?.["team"] === "edge").length;
    assert.ok(narrowed > 0 && narrowed < all.length);
    await page.getByLabel("Filter by labels").fill('team="edge"');
    await page.getByLabel("Filter by labels").press("Enter");
    await counts(page, narrowed);
    await addressHas(page, "filter", 'team="edge"');
    await page.reload();
    await counts(page, narrowed);
    assert.equal(await page.getByLabel("Filter by labels").inputValue(), 'team="edge"');
    const names = await page.locator(".row:not([hidden]) .c-alert .text").allTextContents();
    assert.deepEqual([...new Set(names)].filter((name) => !["LatencyHigh", "CertificateExpires"].includes(name)), []);
    await page.context().close();
  });

  test("a filter that the correlator refuses says why, and one that cannot be right says where", async () => {
    const {page} = await openPage(browser, `${server.url}/?filter=refuse%3D1`);
    await phase(page, "refused");
    await page.locator(".filter-problem", {hasText: "refused for a test"}).waitFor();
    await page.getByLabel("Filter by labels").fill('team="edge');
    await page.getByLabel("Filter by labels").press("Enter");
    await page.locator(".filter-problem", {hasText: /^Column 6: the quote is never closed$/}).waitFor();
    await page.getByLabel("Filter by labels").fill("");
    await page.getByLabel("Filter by labels").press("Enter");
    await phase(page, "live");
    await page.context().close();
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

  test("keys lead through the rows and open the detail", async () => {
    const {page} = await openPage(browser, server.url);
    await phase(page, "live");
    await page.locator(".row:not([hidden])").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("j");
    const active = page.locator(".row.active");
    await page.locator('.row.active[aria-rowindex="3"]').waitFor();
    assert.equal(await page.getByRole("grid").getAttribute("aria-activedescendant"), await active.getAttribute("id"));
    const name = await active.locator(".c-alert .text").textContent();
    await page.keyboard.press("Enter");
    await page.locator(".detail-title", {hasText: name ?? ""}).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("End");
    const last = Number(await page.getByRole("grid").getAttribute("aria-rowcount"));
    await page.locator(`.row.active[aria-rowindex="${last}"]`).waitFor();
    await page.context().close();
  });

  test("Tab leads through each view in few steps, and where it is can be seen", async () => {
    for (const viewport of [{width: 1440, height: 860}, {width: 390, height: 800}]) {
      for (const [path, ready, wanted] of [
        ["/", ".row", [".tab", ".connection", ".filter-input", ".segment", "select", "summary", ".grid"]],
        ["/?row=row-311", ".key-figures", [".detail .icon", ".detail .segment", ".detail .action"]],
        ["/?view=alerts&window=6h", ".bar", [".filter-input", ".rank", ".lane-name"]],
        ["/?view=metrics", ".series-table tbody tr", [".query", "[aria-label=Sources]", "[aria-label=Series]", "[aria-label='Find a query']"]],
      ] as const) {
        const {page} = await openPage(browser, server.url + path, {viewport, reducedMotion: "reduce"});
        await phase(page, "live");
        await page.locator(ready).first().waitFor();
        const reached = new Set<string>();
        let steps = 0;
        for (; steps < 100; steps++) {
          await page.keyboard.press("Tab");
          const at = await page.evaluate((selectors) => {
            const element = document.activeElement as HTMLElement;
            const box = element.getBoundingClientRect();
            return {
              outside: element === document.body, html: element.outerHTML.slice(0, 120),
              seen: getComputedStyle(element).outlineStyle !== "none" && box.width > 0 && box.right > 0 && box.left < innerWidth &&
                box.bottom > 0 && box.top < innerHeight,
              is: selectors.filter((one) => element.matches(one)),
            };
          }, [...wanted]);
          if (at.outside) break;
          assert.ok(at.seen, `${path} ${viewport.width}: ${at.html}`);
          for (const one of at.is) reached.add(one);
        }
        assert.ok(steps < 100, `${path}: too many steps`);
        assert.deepEqual(wanted.filter((one) => !reached.has(one)), [], `${path} ${viewport.width}`);
        await page.context().close();
      }
    }
  });

  test("who has scrolled away is left where he is, and told what is new", async () => {
    const {page} = await openPage(browser, server.url);
    await phase(page, "live");
    await page.locator(".row:not([hidden])").first().waitFor();
    await page.getByRole("grid").evaluate((grid) => new Promise<void>((resolve) => {
      // Behind the page's own listener, and when it has drawn.
      grid.addEventListener("scroll", () => requestAnimationFrame(() => requestAnimationFrame(() => resolve())), {once: true});
      grid.scrollTop = 1500;
    }));
    const seen = await page.locator(".row:not([hidden]) .c-time .text").allTextContents();
    server.push([newRow("New1", 1), newRow("New2", 2)]);
    await page.getByRole("button", {name: "2 new"}).waitFor();
    assert.deepEqual(await page.locator(".row:not([hidden]) .c-time .text").allTextContents(), seen);
    await page.getByRole("button", {name: "2 new"}).click();
    await line(page, "New2").waitFor();
    assert.equal(await page.getByRole("grid").evaluate((grid) => grid.scrollTop), 0);
    await page.context().close();
  });

  test("after a loss it goes on by itself: nothing is missed, nothing comes twice", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?filter=team%3D%22new%22`);
    await phase(page, "live");
    server.push([newRow("Before", 1)]);
    await line(page, "Before").waitFor();
    await server.stop();
    await phase(page, "reconnecting");
    server.push([newRow("Meanwhile", 2)]);
    server.push([newRow("Before", 5, {revision: "2"})]);
    const streams = server.tokens.length;
    await server.start();
    await phase(page, "live", 30_000);
    await line(page, "Meanwhile").waitFor();
    await shows(page, "Before", "value", "5");
    assert.equal(await cell(page, "Before", "value", "note"), "was 1", "the row was never forgotten");
    assert.equal(await line(page, "Meanwhile").count(), 1);
    assert.match(server.tokens[streams] ?? "", /^c\d+$/, "it went on with a token of the change log");
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("a hidden page lets go of its connection after a minute, and goes on when it is seen", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?filter=team%3D%22new%22`, {}, async (one) => {
      await one.clock.install();
    });
    await phase(page, "live");
    server.push([newRow("Seen", 1)]);
    await line(page, "Seen").waitFor();
    await setHidden(page, true);
    await page.clock.fastForward(50_000);
    assert.equal(server.streams, 1, "a short look elsewhere costs nothing");
    await setHidden(page, false);
    await setHidden(page, true);
    await page.clock.fastForward(50_000);
    assert.equal(server.streams, 1, "the minute began anew");
    await page.clock.fastForward(11_000);
    await until(() => server.streams === 0, "it let go");
    await phase(page, "resting");
    server.push([newRow("Hidden", 2)]);
    server.push([newRow("Seen", 3, {revision: "2"})]);
    const streams = server.tokens.length;
    await page.clock.fastForward(600_000);
    assert.equal(server.tokens.length, streams, "nothing is tried while it rests");
    await setHidden(page, false);
    await phase(page, "live");
    await line(page, "Hidden").waitFor();
    await shows(page, "Seen", "value", "3");
    assert.equal(await cell(page, "Seen", "value", "note"), "was 1", "the row was never forgotten");
    assert.match(server.tokens[streams] ?? "", /^c\d+$/, "it went on with a token of the change log");
    assert.equal(server.streams, 1);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("an open stream that falls silent is stale, and is opened anew", async () => {
    const {page} = await openPage(browser, server.url);
    await phase(page, "live");
    const streams = server.tokens.length;
    server.silent = true;
    await phase(page, "stale", 20_000);
    await page.locator(".phase-age", {hasText: "nothing for"}).waitFor();
    await until(() => server.tokens.length > streams, "it is opened anew by itself");
    await phase(page, "stale", 20_000);
    await page.locator(".connection").click();
    await until(() => server.tokens.length > streams + 1, "and at once for who asks");
    server.silent = false;
    await phase(page, "live");
    assert.ok(server.tokens.slice(streams).every((token) => /^c\d+$/.test(token)), "it goes on where it stopped");
    await until(() => server.streams === 1, "the silent ones are let go");
    await page.context().close();
  });

  test("hostile labels are text everywhere, and nothing of them runs", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?columns=team`);
    await phase(page, "live");
    const rows = hostileRows(server.base);
    server.push(rows);
    await line(page, "__proto__").waitFor();
    const shown = await page.locator(".row:not([hidden]) .c-alert .text").allTextContents();
    for (const text of HOSTILE.filter((one) => !/[\u0000-\u001f\u2028-\u202e]/.test(one))) assert.ok(shown.includes(text), text.slice(0, 50));
    assert.ok(shown.includes("⟨202E⟩moc.elpmaxe//:ptth"), "a mark that turns text around is shown as one");
    for (const row of rows) {
      await page.evaluate((id) => {
        history.pushState(null, "", `/?row=${encodeURIComponent(id)}`);
        dispatchEvent(new PopStateEvent("popstate"));
      }, row.rowId ?? "");
      await page.locator(".detail dd", {hasText: row.rowId ?? ""}).first().waitFor();
      assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
    }
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    assert.equal(await page.locator(".grid img, .grid script, .detail img, .detail script").count(), 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing makes the page wider");
    server.push(rows.map((row) => ({...row, operation: "OPERATION_DELETE"})));
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("alerts: bars, tops and counts, and a click leads to the rows", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?view=alerts&window=6h`);
    await page.locator(".bar").first().waitFor();
    await page.locator(".rank").first().waitFor();
    await page.locator(".counts rect.fired").first().waitFor();
    // By alert: what each fired adds up to what the server says of it.
    const told = await page.evaluate(async () => {
      const to = Date.now();
      const answer = await fetch("/alertjoin.v1.CorrelatorService/SummarizeAlerts", {method: "POST", body: JSON.stringify({
        from: new Date(to - 6 * 3_600_000).toISOString(), to: new Date(to).toISOString(), bucket: "300s",
      })});
      return ((await answer.json()) as {summaries: {labels: {alertname: string}; episodes: number}[]}).summaries
        .map((one) => `${one.labels.alertname} ${one.episodes}`).sort();
    });
    const lines = page.locator(".by-alert-line");
    await lines.first().waitFor();
    assert.deepEqual((await lines.evaluateAll((all) => all.map((one) =>
      `${one.querySelector(".by-alert-name")?.textContent} ${one.querySelector(".number")?.textContent}`))).sort(), told);
    assert.ok(await page.locator(".by-alert-line .counts rect.resolved").count() > 0);
    // Under the pointer the lanes stay where they are.
    await page.locator(".lane-name .lane-alert").first().hover();
    const name = await page.locator(".lane-name .lane-alert").first().textContent();
    await page.locator(".lane-name .lane-alert").first().click();
    await page.waitForURL((url) => url.searchParams.get("filter")?.includes(`alertname="${name}"`) ?? false);
    await line(page, name ?? "").first().waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("a pointer over the timeline holds no part of a snapshot, and nothing once it stands still", async () => {
    let release = () => undefined as void;
    server.restOfAlerts = new Promise((resolve) => (release = resolve));
    const {page} = await openPage(browser, `${server.url}/?view=alerts&window=6h`, {}, async (one) => {
      await one.clock.install();
    });
    const episodes = () => page.locator(".lane:not(.lane-head) .lane-count").evaluateAll((all) =>
      all.reduce((sum, one) => sum + Number(one.textContent), 0));
    await page.locator(".lane-name").first().hover();
    const part = await episodes();
    release();
    await page.waitForFunction((before) => [...document.querySelectorAll(".lane:not(.lane-head) .lane-count")]
      .reduce((sum, one) => sum + Number(one.textContent), 0) > before, part);
    server.restOfAlerts = undefined;
    // Moves within the same lane, so that its name can be clicked.
    await page.locator(".lane-name").first().hover({position: {x: 5, y: 5}});
    await page.evaluate(() => document.querySelector(".lanes")?.setAttribute("data-seen", "yes"));
    await page.clock.fastForward(5_000);
    assert.equal(await page.locator(".lanes[data-seen]").count(), 1, "it stands still under a hand");
    await page.clock.fastForward(11_000);
    await page.locator(".lanes:not([data-seen])").waitFor();
    // The same for the focus, which stays where it is.
    await page.mouse.move(0, 0);
    const name = page.locator(".lane-name").nth(1);
    await name.focus();
    const label = await name.textContent();
    await page.evaluate(() => document.querySelector(".lanes")?.setAttribute("data-seen", "yes"));
    await page.clock.fastForward(5_000);
    assert.equal(await page.locator(".lanes[data-seen]").count(), 1);
    await page.clock.fastForward(11_000);
    await page.locator(".lanes:not([data-seen])").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), label);
    await page.context().close();
  });

  test("rows that have left the window go, and a table that was stopped stays", async () => {
    const {page} = await openPage(browser, `${server.url}/?window=1h`, {}, async (one) => {
      await one.clock.install();
    });
    await phase(page, "live");
    await page.locator(".row:not([hidden])").first().waitFor();
    await page.keyboard.press("p");
    await page.getByRole("button", {name: "Paused"}).waitFor();
    await page.clock.fastForward(60 * 60_000);
    await page.locator(".joined .count", {hasText: /^0 rows$/}).waitFor();
    assert.ok(await page.locator(".row:not([hidden])").count() > 0);
    assert.equal(await page.locator(".empty-box").count(), 0);
    await page.keyboard.press("p");
    await page.locator(".empty-box").waitFor();
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

  test("metrics: sources with their health, queries, and samples of the one chosen", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?view=metrics`);
    await page.locator(".health.bad", {hasText: "unreachable"}).waitFor();
    await page.locator(".series-table tbody tr").first().waitFor();
    await page.locator(".query", {hasText: "error_ratio"}).click();
    await page.locator(".samples-title", {hasText: "error_ratio"}).waitFor();
    await addressHas(page, "query", "error_ratio");
    await page.locator(".series-table tbody tr").nth(5).waitFor();
    assert.equal(await page.locator(".series-table tbody tr").count(), 6);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test("no view has a serious fault for those who cannot see or point", async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const colorScheme of ["light", "dark"] as const) {
      for (const viewport of [{width: 1440, height: 860}, {width: 390, height: 800}]) {
        for (const path of ["/", "/?row=row-350", "/?view=alerts", "/?view=metrics"]) {
          const {page} = await openPage(browser, server.url + path, {colorScheme, viewport, reducedMotion: "reduce"});
          await phase(page, "live");
          await page.locator(".row:not([hidden]), .bar, .series-table tbody tr").first().waitFor();
          if (path.includes("row=")) await page.locator(".key-figures").waitFor();
          await page.evaluate(axe);
          const found = await page.evaluate(async () => {
            const runner = (window as unknown as {axe: {run(): Promise<{violations: {id: string; impact: string; nodes: {html: string}[]}[]}>}}).axe;
            return (await runner.run()).violations.filter((one) => ["serious", "critical"].includes(one.impact))
              .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
          });
          assert.deepEqual(found, [], `${path} ${colorScheme} ${viewport.width}`);
          await page.context().close();
        }
      }
    }
  });
});
