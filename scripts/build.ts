/**
 * `npm run build [FOLDER]`: FOLDER/sdk (the framework as JavaScript, for Node) and FOLDER/micro, one executable with
 * everything in it, the framework for the services that it runs included. Default folder: dist.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buildSdk } from "./build-sdk.ts";
import { root } from "./root.ts";

/** Name under which the executable finds the framework's files in itself: JSON, file name → text. */
const archiveName = "sdk-archive.txt";

const outFolder = resolve(process.argv[2] ?? `${root}/dist`);
const sdkFolder = `${outFolder}/sdk`;
const archivePath = `${outFolder}/${archiveName}`;
await mkdir(outFolder, { recursive: true });
await buildSdk(sdkFolder);
await writeFile(archivePath, JSON.stringify(await readFolder(sdkFolder)));

/** Threads: each is found next to whoever starts it, so no two may have the same name. */
const workers = [
  "core/events/log-writer-worker.ts",
  "core/store/store-writer-worker.ts",
  "sqlite/checkpoint-worker.ts",
  "sqlite/sqlite-copy-worker.ts",
];

const built = await Bun.build({
  entrypoints: [`${root}/src/cli/main.ts`, ...workers.map((path) => `${root}/src/${path}`), archivePath],
  // Entry points side by side.
  naming: { entry: "[name].[ext]", asset: "[name].[ext]" },
  loader: { ".txt": "file" },
  conditions: ["bun"],
  minify: { whitespace: true, syntax: true },
  sourcemap: "none",
  compile: { outfile: `${outFolder}/micro` },
});
for (const message of built.logs) console.error(message.message);
if (!built.success) process.exit(1);
console.log(`${outFolder}/micro ${Math.round(Bun.file(`${outFolder}/micro`).size / 1_048_576)} MB`);

async function readFolder(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of (await readdir(folder)).toSorted()) files[name] = await readFile(`${folder}/${name}`, "utf8");
  return files;
}
