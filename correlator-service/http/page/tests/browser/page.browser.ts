// What a person sees of the page, in Chromium, against a correlator that does as the test wants.

import assert from "node:assert/strict";
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {after, before, describe, test} from "node:test";
import type {Browser} from "playwright-core";
import {HOSTILE, hostileRows} from "./hostile";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";
import {addressHas, cell, counts, line, newRow, shows} from "./table";

const ROWS = 400;
let browser: Browser;
let server: FakeCorrelator;

describe("live page", {skip: CHROMIUM === undefined}, () => {
  before(async () => {
    server = new FakeCorrelator({page: builtPage(), rows: ROWS});
    await server.start();
    browser = await launch();
  });

  after(async () => {
    await browser.close();
    await server.stop();
  });

  test("rows appear by themselves, a late sample changes the cell, a DELETE takes the row away", async () => {
    const {page, complaints} = await openPage(browser, server.url);
    await phase(page, "live");
    server.push([newRow(server, "LateComer", 93.5)]);
    await line(page, "LateComer").waitFor();
    assert.equal(await cell(page, "LateComer", "value"), "93.5");
    assert.equal(await cell(page, "LateComer", "value", "note"), "");
    assert.equal(await cell(page, "LateComer", "final"), "open");
    server.push([newRow(server, "LateComer", 74.8, {revision: "2", cause: "CAUSE_LATE_SAMPLE", final: true})]);
    await shows(page, "LateComer", "value", "was 93.5", "note");
    assert.equal(await cell(page, "LateComer", "value"), "74.8");
    assert.equal(await cell(page, "LateComer", "rev"), "2");
    assert.equal(await cell(page, "LateComer", "final"), "yes");
    server.push([newRow(server, "LateComer", 74.8, {revision: "3", operation: "OPERATION_DELETE"})]);
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
    server.push([newRow(server, "New1", 1), newRow(server, "New2", 2)]);
    await page.getByRole("button", {name: "2 new"}).waitFor();
    assert.deepEqual(await page.locator(".row:not([hidden]) .c-time .text").allTextContents(), seen);
    await page.getByRole("button", {name: "2 new"}).click();
    await line(page, "New2").waitFor();
    assert.equal(await page.getByRole("grid").evaluate((grid) => grid.scrollTop), 0);
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
