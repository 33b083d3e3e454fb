// Takes pictures of every view, light and dark, wide and narrow: node screenshots.mjs FOLDER

import {mkdirSync} from "node:fs";
import {join} from "node:path";
import {builtPage, FakeCorrelator, launch, openPage, phase} from "./support";
import {hostileRows} from "./hostile";
import {makeRow} from "./generated";

const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, {recursive: true});
const server = new FakeCorrelator({page: builtPage(), rows: 640});
await server.start();
const empty = new FakeCorrelator({page: builtPage()});
await empty.start();
const browser = await launch();

const SIZES = {wide: {width: 1440, height: 860}, narrow: {width: 390, height: 800}};
for (const scheme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const shot = async (name: string, url: string, prepare?: (page: import("playwright-core").Page) => Promise<void>) => {
      const {page, complaints} = await openPage(browser, url, {colorScheme: scheme, viewport});
      await phase(page, name === "refused" ? "refused" : "live");
      await prepare?.(page);
      await page.waitForTimeout(700);
      await page.screenshot({path: join(folder, `${name}-${scheme}-${size}.png`)});
      if (complaints.length > 0) console.log(name, scheme, size, complaints);
      await page.context().close();
    };
    await shot("joined", `${server.url}/?columns=team`, async () => {
      const row = makeRow(610, server.base, 0);
      server.push([{...row, revision: "2", cause: "CAUSE_LATE_SAMPLE", match: {...row.match, value: (Number(row.match?.value) || 1) * 1.06}}]);
    });
    await shot("detail", `${server.url}/?row=row-611`);
    await shot("detail-stale", `${server.url}/?row=row-604`);
    await shot("alerts", `${server.url}/?view=alerts&window=6h`);
    await shot("metrics", `${server.url}/?view=metrics`);
    await shot("empty", empty.url);
    await shot("nothing-matches", `${server.url}/?filter=team%3D%22none%22`);
    await shot("refused", `${server.url}/?filter=refuse%3D1`);
  }
}
const {page} = await openPage(browser, server.url);
await phase(page, "live");
server.push(hostileRows(server.base));
await page.waitForTimeout(500);
await page.screenshot({path: join(folder, "hostile.png")});
await browser.close();
await server.stop();
await empty.stop();
