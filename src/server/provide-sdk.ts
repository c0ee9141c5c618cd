import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";

/** Name of the framework's files inside the executable: JSON, file name → text. */
const archiveName = "sdk-archive.txt";

/**
 * Puts the framework where the services that the runtime starts find it: `<runtimeFolder>/node_modules/micro-ts`. Their
 * sources lie below that folder, so that Bun and Node find it by walking up, without an install step.
 *
 * In a checkout it is a link to the checkout; the single executable carries the files in itself.
 */
export async function provideSdk(runtimeFolder: string): Promise<void> {
  const modules = `${runtimeFolder}/node_modules`;
  const target = `${modules}/micro-ts`;
  await mkdir(`${modules}/@bufbuild`, { recursive: true, mode: 0o700 });
  const archive = Bun.embeddedFiles.find((file) => "name" in file && String(file.name).endsWith(archiveName));
  if (archive === undefined) {
    const checkout = dirname(dirname(import.meta.dir));
    await link(target, checkout);
    await link(`${modules}/@bufbuild/protobuf`, `${checkout}/node_modules/@bufbuild/protobuf`);
    await buildWhereStale(checkout);
    return;
  }
  await unpackArchive(target, await archive.text());
  await writeProtobufPackage(`${modules}/@bufbuild/protobuf`);
}

/**
 * Code that was generated from a .proto imports @bufbuild/protobuf by name: it gets the copy inside the framework, so that
 * both speak of the same classes.
 */
async function writeProtobufPackage(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const entries = {
    ".": "bufbuild-protobuf",
    "./codegenv2": "bufbuild-protobuf-codegenv2",
    "./wkt": "bufbuild-protobuf-wkt",
  };
  const exports: Record<string, object> = {};
  for (const [entry, name] of Object.entries(entries)) {
    exports[entry] = { bun: `./bun-${name}.js`, default: `./${name}.js` };
    for (const file of [`bun-${name}.js`, `${name}.js`]) {
      await writeFile(`${target}/${file}`, `export * from "../../micro-ts/${file}";\n`);
    }
  }
  await writeFile(`${target}/package.json`, JSON.stringify({ name: "@bufbuild/protobuf", type: "module", exports }));
}

/**
 * Bun runs the framework from its source; Node needs it as JavaScript, which is built here when it is missing or when a
 * source file is younger than it.
 *
 * @throws MicroError `internal` with what the build said.
 */
async function buildWhereStale(checkout: string): Promise<void> {
  const built = await stat(`${checkout}/dist/sdk/package.json`).catch(() => undefined);
  if (built !== undefined && (await newestChangeMs(checkout)) <= built.mtimeMs) return;
  const build = Bun.spawn([process.execPath, `${checkout}/scripts/build-sdk.ts`], { stdout: "ignore", stderr: "pipe" });
  const [said, code] = await Promise.all([build.stderr.text(), build.exited]);
  if (code !== 0) throw new MicroError("internal", `the framework could not be built for Node: ${said.trim()}`);
}

async function newestChangeMs(checkout: string): Promise<number> {
  const folders = ["base", "interface", "gen", "rpc", "service"].map((name) => `${checkout}/src/${name}`);
  const names = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true })));
  const files = names.flatMap((list, index) => list.map((name) => `${folders[index]}/${name}`));
  const stats = await Promise.all(files.map((path) => stat(path)));
  return Math.max(...stats.map((each) => each.mtimeMs));
}

async function link(target: string, to: string): Promise<void> {
  const present = await lstat(target).catch(() => undefined);
  if (present?.isSymbolicLink() === true && (await readlink(target)) === to) return;
  await rm(target, { recursive: true, force: true });
  await symlink(to, target, "dir");
}

async function unpackArchive(target: string, text: string): Promise<void> {
  const stamp = createHash("sha256").update(text).digest("hex");
  if (existsSync(`${target}/stamp`) && (await readFile(`${target}/stamp`, "utf8")) === stamp) return;
  const files: unknown = JSON.parse(text);
  if (!isRecord(files)) throw new MicroError("internal", "the framework inside this executable cannot be read");
  const aside = `${target}.${process.pid}.new`;
  await mkdir(aside, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(`${aside}/${name}`, String(content));
  await writeFile(`${aside}/stamp`, stamp);
  await rm(target, { recursive: true, force: true });
  await rename(aside, target);
}
