// Builds the page into the package, so that neither Node nor a network is needed where it is installed.
// `node build.mjs --check` builds nothing and fails where the package holds something else.

import { build } from "esbuild";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

const here = import.meta.dirname;
const studio = path.join(here, "../src/linearscope/studio/assets");
const report = path.join(here, "../src/linearscope/report/assets");
const check = process.argv.includes("--check");

const shared = { bundle: true, minify: true, target: "es2022", legalComments: "none", write: false, logLevel: "warning" };

/** What each built file holds, by its path. */
async function made() {
  const files = new Map();
  const page = await build({
    ...shared,
    entryPoints: { studio: path.join(here, "src/main.ts") },
    format: "esm",
    outdir: studio,
    loader: { ".svg": "dataurl" },
  });
  for (const file of page.outputFiles) files.set(file.path, Buffer.from(file.contents));
  for (const name of ["index.html", "icon.svg"]) files.set(path.join(studio, name), await readFile(path.join(here, "src", name)));
  if (existsSync(path.join(here, "src/offline/main.ts"))) {
    const offline = await build({ ...shared, entryPoints: { flashlight: path.join(here, "src/offline/main.ts") }, format: "iife", outdir: report });
    for (const file of offline.outputFiles) files.set(file.path, Buffer.from(file.contents));
  }
  return files;
}

const files = await made();
if (check) {
  const stale = [...files].filter(([file, data]) => !existsSync(file) || !readFileSync(file).equals(data)).map(([file]) => path.relative(here, file));
  if (stale.length) {
    console.error(`Built from other sources than these: ${stale.join(", ")}. Run npm run build.`);
    process.exit(1);
  }
} else {
  await rm(studio, { recursive: true, force: true });
  for (const [file, data] of files) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, data);
    console.log(`${(data.length / 1000).toFixed(1).padStart(7)} kB  ${path.relative(path.join(here, ".."), file)}`);
  }
}
