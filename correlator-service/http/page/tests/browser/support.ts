// What the browser tests share: the built page, a Chromium, and a page that may not complain.

import {existsSync, readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {type Browser, type BrowserContextOptions, chromium, type Page} from "playwright-core";
import {FakeCorrelator, type PageFile} from "./fake_correlator";

const HERE = dirname(fileURLToPath(import.meta.url));

// Debian's Chromium, or the one that ALERTJOIN_CHROMIUM names; undefined where there is none.
export const CHROMIUM = [process.env["ALERTJOIN_CHROMIUM"] ?? "", "/usr/bin/chromium"].find((path) => path && existsSync(path));

// The files that build.mjs made beside these programs.
export function builtPage(): PageFile[] {
  const folder = join(HERE, "..", "..", "page");
  return [
    {path: "/", type: "text/html; charset=utf-8", body: readFileSync(join(folder, "index.html"))},
    {path: "/assets/page.js", type: "text/javascript; charset=utf-8", body: readFileSync(join(folder, "page.js"))},
    {path: "/assets/page.css", type: "text/css; charset=utf-8", body: readFileSync(join(folder, "page.css"))},
  ];
}

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM ?? "",
    // A sandbox of its own needs rights that root in a container does not have.
    args: ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--enable-precise-memory-info", "--js-flags=--expose-gc"],
  });
}

export interface OpenPage {
  page: Page;
  // What the console said that is no good, and requests that went elsewhere.
  complaints: string[];
}

// `prepare` is done before the page is loaded.
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {},
                               prepare?: (page: Page) => Promise<void>): Promise<OpenPage> {
  const context = await browser.newContext({viewport: {width: 1440, height: 860}, timezoneId: "UTC", ...options});
  const page = await context.newPage();
  await prepare?.(page);
  const complaints: string[] = [];
  page.on("console", (message) => {
    // A server that is away is part of what is tested; the browser itself complains of it.
    const away = /Failed to load resource: (net::ERR_|the server responded)/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !away) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) complaints.push(`asks ${request.url()}`);
  });
  await page.goto(url);
  return {page, complaints};
}

export async function phase(page: Page, name: string, timeout = 60_000): Promise<void> {
  await page.locator(`.connection[data-phase="${name}"]`).waitFor({timeout});
}

export {FakeCorrelator};
