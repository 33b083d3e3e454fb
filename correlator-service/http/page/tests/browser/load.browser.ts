// 100,000 rows, and 1,000 more each second: the page stays smooth, and its memory where it is.

import assert from "node:assert/strict";
import {test} from "node:test";
import {makeRow} from "./generated";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";

const ROWS = 100_000;
const ROWS_PER_SECOND = 1_000;
const SECONDS = Number(process.env["ALERTJOIN_PAGE_LOAD_SECONDS"] ?? 60);
const FRAME_MEDIAN_MAX = 33;
const PUSHES_PER_SECOND = 20;

test("a flood of rows", {skip: CHROMIUM === undefined, timeout: 600_000}, async () => {
  const server = new FakeCorrelator({page: builtPage(), rows: ROWS});
  await server.start();
  const browser = await launch();
  const {page, complaints} = await openPage(browser, `${server.url}/?window=30d`);
  const begun = Date.now();
  await phase(page, "live", 180_000);
  console.log(`loaded after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return page.evaluate(() => (performance as unknown as {memory: {usedJSHeapSize: number}}).memory.usedJSHeapSize);
  };

  let number = ROWS;
  let pushed = 0;
  const started = Date.now();
  const timer = setInterval(() => {
    // By the clock, so that a busy machine gets no fewer rows.
    const due = Math.floor(((Date.now() - started) / 1000) * ROWS_PER_SECOND);
    const rows = [];
    for (; pushed < due; pushed++) {
      const row = makeRow(number++, server.base, 0);
      rows.push({...row, transition: {...row.transition, eventTime: new Date(Date.now()).toISOString()}});
    }
    if (rows.length > 0) server.push(rows);
  }, 1000 / PUSHES_PER_SECOND);
  // The table is full and the flood runs: from here on nothing should grow.
  await page.waitForTimeout(5_000);
  const heapBefore = await heap();
  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const frame = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    Object.assign(window, {frames});
  });
  for (let second = 0; second < SECONDS; second += 5) {
    // Scrolling away and back is part of it.
    await page.getByRole("grid").evaluate((grid, top) => (grid.scrollTop = top), second % 10 === 0 ? 40_000 : 0);
    await page.waitForTimeout(Math.min(5, SECONDS) * 1000);
  }
  const frames = await page.evaluate(() => (window as unknown as {frames: number[]}).frames);
  clearInterval(timer);
  await page.getByRole("grid").evaluate((grid) => (grid.scrollTop = 0));
  // What was sent last is shown: nothing lags behind.
  await page.waitForFunction((id) => document.querySelector(`.row[data-id="${id}"]`) !== null, `row-${number - 1}`, {timeout: 60_000});
  const heapAfter = await heap();
  const sorted = [...frames].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  console.log(`${pushed} rows in ${(Date.now() - started) / 1000} s; frames: ${frames.length}, median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; ` +
    `heap ${megabytes(heapBefore)} MB -> ${megabytes(heapAfter)} MB`);
  const count = Number((await page.locator(".joined .count").textContent() ?? "").replace(/\D/g, ""));
  await browser.close();
  await server.stop();
  assert.ok(count >= ROWS && count <= ROWS + 2_000, `${count} rows`);
  assert.ok(median < FRAME_MEDIAN_MAX, `median frame ${median} ms`);
  assert.ok(heapAfter < heapBefore * 1.1 + 5e6, `heap ${megabytes(heapBefore)} MB -> ${megabytes(heapAfter)} MB`);
  assert.deepEqual(complaints, []);
});
