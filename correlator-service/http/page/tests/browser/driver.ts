// A page in Chromium for tests in other languages: one JSON command a line comes in, one JSON answer
// a line goes out.
//
//   {"open": URL}          a new page there        {"evaluate": JS}            its value
//   {"reload": true}       the same page again     {"wait": JS, "seconds": N}  until it is true
//   {"complaints": true}   what the console said that is no good, and requests that went elsewhere

import {createInterface} from "node:readline";
import {CHROMIUM, launch, type OpenPage, openPage} from "./support";

interface Command {
  open?: string;
  evaluate?: string;
  wait?: string;
  seconds?: number;
  reload?: boolean;
  complaints?: boolean;
}

const POLL_MS = 50;

if (CHROMIUM === undefined) {
  console.log(JSON.stringify({absent: "chromium"}));
  process.exit(0);
}
const browser = await launch();
let open: OpenPage | undefined;

async function run(command: Command): Promise<unknown> {
  if (command.open !== undefined) {
    await open?.page.context().close();
    // High, so that all rows of a test are in sight.
    open = await openPage(browser, command.open, {viewport: {width: 1600, height: 6000}});
    return true;
  }
  if (open === undefined) throw new Error("no page is open");
  const {page, complaints} = open;
  if (command.reload) await page.reload();
  if (command.complaints) return complaints;
  if (command.evaluate !== undefined) return page.evaluate(command.evaluate);
  if (command.wait !== undefined) {
    const deadline = Date.now() + (command.seconds ?? 10) * 1000;
    for (;;) {
      const value: unknown = await page.evaluate(command.wait);
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`not within ${command.seconds} s: ${command.wait}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  return true;
}

console.log(JSON.stringify({ready: true}));
for await (const line of createInterface({input: process.stdin})) {
  try {
    console.log(JSON.stringify({value: (await run(JSON.parse(line) as Command)) ?? null}));
  } catch (error) {
    console.log(JSON.stringify({error: String(error)}));
  }
}
await browser.close();
