// Takes pictures of every view, light and dark, wide and narrow: node screenshots.mjs FOLDER
// Fails where one shows nothing, where something of the top or of how a source fares lies outside, or
// where the page complains. Whether they are fair is for people.

import {mkdirSync} from "node:fs";
import {join} from "node:path";
import type {Page} from "playwright-core";
import {builtPage, CHROMIUM, FakeCorrelator, launch, openPage, phase} from "./support";
import {hostileRows} from "./hostile";

const SKIPPED = 77;
if (CHROMIUM === undefined) process.exit(SKIPPED);

const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, {recursive: true});
const server = new FakeCorrelator({page: builtPage(), rows: 640});
await server.start();
const empty = new FakeCorrelator({page: builtPage()});
await empty.start();
const browser = await launch();
const judge = await browser.newPage();
const faults: string[] = [];
let taken = 0;

// How many colours a picture has, and the part of it that the most frequent one fills.
async function colours(picture: Buffer): Promise<{count: number; most: number}> {
  return judge.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const seen = new Map<number, number>();
    for (const pixel of pixels) seen.set(pixel, (seen.get(pixel) ?? 0) + 1);
    return {count: seen.size, most: Math.max(...seen.values()) / pixels.length};
  }, picture.toString("base64"));
}

async function take(page: Page, complaints: readonly string[], name: string): Promise<void> {
  // What was asked for is drawn.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  const picture = await page.screenshot({path: join(folder, `${name}.png`)});
  taken++;
  const {count, most} = await colours(picture);
  if (count < 30 || most > 0.99) faults.push(`${name}: ${count} colours, one of them on ${(most * 100).toFixed(1)} %`);
  const outside = await page.locator(".top a, .top button, .health").evaluateAll((elements) => elements
    .filter((one) => one.getBoundingClientRect().right > (one.closest(".table-box")?.getBoundingClientRect().right ?? innerWidth))
    .map((one) => one.textContent));
  if (outside.length > 0) faults.push(`${name}: outside: ${outside.join(", ")}`);
  for (const complaint of complaints) faults.push(`${name}: ${complaint}`);
}

interface View {
  address: string;
  phase?: string;
  // Of those that are no view of their own two pictures are enough.
  rare?: boolean;
  // Done once the page is live.
  then?: () => void;
  // What must be there before the picture is taken.
  shows: readonly string[];
}

// A late sample changes a row near the top.
let revised = [...server.rows()].filter((row) => row.match?.state === "MATCH_STATE_MATCHED").at(-3);
function revise(): void {
  revised = {...revised, revision: String(Number(revised?.revision) + 1), cause: "CAUSE_LATE_SAMPLE",
             match: {...revised?.match, value: Number(revised?.match?.value) * 1.06}};
  server.push([revised]);
}

const VIEWS: Readonly<Record<string, View>> = {
  "joined": {address: `${server.url}/?columns=team`, then: revise, shows: [".row:not([hidden]) .c-value .note:not(:empty)"]},
  "detail": {address: `${server.url}/?row=row-611`, shows: [".plot-canvas canvas", ".key-figures"]},
  "detail-stale": {address: `${server.url}/?row=row-604`, rare: true, shows: [".plot-canvas canvas", ".key-figures"]},
  "alerts": {address: `${server.url}/?view=alerts&window=6h`, shows: [".counts rect", ".rank", ".bar"]},
  "metrics": {address: `${server.url}/?view=metrics`, shows: [".health", ".plot-canvas canvas", ".series-table tbody tr"]},
  "empty": {address: empty.url, rare: true, shows: [".empty-box"]},
  "nothing-matches": {address: `${server.url}/?filter=team%3D%22none%22`, rare: true, shows: [".empty-box"]},
  "refused": {address: `${server.url}/?filter=refuse%3D1`, rare: true, phase: "refused", shows: [".empty-box", ".filter-problem"]},
};
const SIZES = {wide: {width: 1440, height: 860}, narrow: {width: 390, height: 800}};

for (const colorScheme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const rare = (colorScheme === "light") === (size === "wide");
    for (const [name, view] of Object.entries(VIEWS)) {
      if (view.rare && !rare) continue;
      const {page, complaints} = await openPage(browser, view.address, {colorScheme, viewport, reducedMotion: "reduce"});
      await phase(page, view.phase ?? "live");
      view.then?.();
      for (const one of view.shows) await page.locator(one).first().waitFor();
      await take(page, complaints, `${name}-${colorScheme}-${size}`);
      await page.context().close();
    }
    if (!rare) continue;
    const lost = new FakeCorrelator({page: builtPage(), rows: 640});
    await lost.start();
    const {page, complaints} = await openPage(browser, lost.url, {colorScheme, viewport, reducedMotion: "reduce"});
    await phase(page, "live");
    await lost.stop();
    await phase(page, "reconnecting");
    await take(page, complaints, `reconnecting-${colorScheme}-${size}`);
    await page.context().close();
  }
}
const {page, complaints} = await openPage(browser, server.url);
await phase(page, "live");
server.push(hostileRows(server.base));
await page.locator(".row:not([hidden]) .c-alert", {hasText: "<script>"}).waitFor();
await take(page, complaints, "hostile");
await browser.close();
await server.stop();
await empty.stop();
console.log(`${taken} pictures in ${folder}`);
for (const fault of faults) console.log(fault);
process.exit(faults.length > 0 ? 1 : 0);
