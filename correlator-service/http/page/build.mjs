// Builds the page. Everything goes below --out (default dist), nothing beside the sources.
//
//   node build.mjs [--out DIR]                   the page's files
//   node build.mjs [--out DIR] --cc FILE         and a C++ source that holds them
//   node build.mjs [--out DIR] --tests           the tests, as programs for node --test, and the page

import {createHash} from "node:crypto";
import {copyFile, mkdir, readdir, readFile, rename, rm, writeFile} from "node:fs/promises";
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";
import {build} from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const LITERAL_BYTES = 96;

function argument(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
}

const out = resolve(argument("--out", join(HERE, "dist")));

async function buildPage() {
  const folder = join(out, "page");
  await rm(folder, {recursive: true, force: true});
  await build({
    absWorkingDir: HERE,
    entryPoints: {page: "src/main.ts", "page-style": "src/page.css"},
    outdir: folder, bundle: true, minify: true, format: "esm", target: "es2022",
    charset: "utf8", legalComments: "none", logLevel: "warning",
  });
  await rename(join(folder, "page-style.css"), join(folder, "page.css"));
  await copyFile(join(HERE, "src/index.html"), join(folder, "index.html"));
  return [
    {path: "/", type: "text/html; charset=utf-8", body: await readFile(join(folder, "index.html"))},
    {path: "/assets/page.js", type: "text/javascript; charset=utf-8", body: await readFile(join(folder, "page.js"))},
    {path: "/assets/page.css", type: "text/css; charset=utf-8", body: await readFile(join(folder, "page.css"))},
  ];
}

// A string literal for each piece: octal escapes of three digits end by themselves.
function literals(body) {
  const lines = [];
  for (let at = 0; at < body.length; at += LITERAL_BYTES) {
    let text = "";
    for (const byte of body.subarray(at, at + LITERAL_BYTES)) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
    }
    lines.push(`    "${text}"`);
  }
  return lines.length > 0 ? lines.join("\n") : '    ""';
}

function ccSource(assets) {
  const entries = assets.map(({path, type, body}) => {
    const hash = createHash("sha256").update(body).digest("hex").slice(0, 20);
    return `    {"${path}", "${type}",\n     std::string_view(\n${literals(body)},\n     ${body.length}),\n     "\\"${hash}\\""},`;
  });
  return `// Made by build.mjs from the page's sources.
#include "correlator-service/http/page_assets.h"

namespace alertjoin {

namespace {

constexpr PageAsset kAssets[] = {
${entries.join("\n")}
};

}  // namespace

std::span<const PageAsset> PageAssets() { return kAssets; }

}  // namespace alertjoin
`;
}

// Every test is a program of its own; packages stay where npm put them.
async function buildTests(folder, wanted) {
  const names = (await readdir(join(HERE, folder))).filter(wanted);
  await rm(join(out, folder), {recursive: true, force: true});
  await build({
    absWorkingDir: HERE,
    entryPoints: names.map((name) => join(folder, name)),
    outdir: join(out, folder), outExtension: {".js": ".mjs"}, bundle: true, packages: "external",
    platform: "node", format: "esm", target: "node18", sourcemap: "inline", logLevel: "warning",
  });
}

await mkdir(out, {recursive: true});
const assets = await buildPage();
const cc = argument("--cc", "");
if (cc) {
  await mkdir(dirname(resolve(cc)), {recursive: true});
  await writeFile(cc, ccSource(assets));
}
if (process.argv.includes("--tests")) {
  await buildTests("tests", (name) => name.endsWith(".test.ts"));
  await buildTests("tests/browser", (name) => name.endsWith(".browser.ts") || ["driver.ts", "screenshots.ts"].includes(name));
}
