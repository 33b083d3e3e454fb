// What becomes of the page when its connection is lost, rests or falls silent, in Chromium.

import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import type {Browser, Page} from "playwright-core";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";
import {cell, line, newRow, shows} from "./table";

const ROWS = 400;
let browser: Browser;
let server: FakeCorrelator;

// What a browser says to a page whose tab comes to the front or leaves it.
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => value});
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

// For what happens in the correlator; what the page shows is waited for with a locator.
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; !condition();) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("connection", {skip: CHROMIUM === undefined}, () => {
  before(async () => {
    server = new FakeCorrelator({page: builtPage(), rows: ROWS});
    await server.start();
    browser = await launch();
  });

  after(async () => {
    await browser.close();
    await server.stop();
  });

  test("after a loss it goes on by itself: nothing is missed, nothing comes twice", async () => {
    const {page, complaints} = await openPage(browser, `${server.url}/?filter=team%3D%22new%22`);
    await phase(page, "live");
    server.push([newRow(server, "Before", 1)]);
    await line(page, "Before").waitFor();
    await server.stop();
    await phase(page, "reconnecting");
    server.push([newRow(server, "Meanwhile", 2)]);
    server.push([newRow(server, "Before", 5, {revision: "2"})]);
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
    server.push([newRow(server, "Seen", 1)]);
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
    server.push([newRow(server, "Hidden", 2)]);
    server.push([newRow(server, "Seen", 3, {revision: "2"})]);
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
});
