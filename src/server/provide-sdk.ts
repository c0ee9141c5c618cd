import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";

/** Name of the framework's files inside the executable: JSON, file name → text. */
const archiveName = "sdk-archive.txt";

/** Entry points of the package and the file of each; as in `exports` of package.json. */
const entryPoints = { ".": "./index.js", "./proto": "./proto.js", "./client": "./client.js", "./errors": "./errors.js" };

/**
 * Puts the framework where the services that the runtime starts find it: `<runtimeFolder>/node_modules/micro-ts`. Their
 * sources lie below that folder, so that Bun and Node find it by walking up, without an install step.
 *
 * In a checkout it is a link to the checkout; the single executable carries the files in itself.
 */
export async function provideSdk(runtimeFolder: string): Promise<void> {
  const target = `${runtimeFolder}/node_modules/micro-ts`;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const archive = Bun.embeddedFiles.find((file) => "name" in file && String(file.name).endsWith(archiveName));
  if (archive === undefined) await linkCheckout(target, dirname(dirname(import.meta.dir)));
  else await unpackArchive(target, await archive.text());
}

async function linkCheckout(target: string, checkout: string): Promise<void> {
  const present = await lstat(target).catch(() => undefined);
  if (present?.isSymbolicLink() === true && (await readlink(target)) === checkout) return;
  await rm(target, { recursive: true, force: true });
  await symlink(checkout, target, "dir");
}

async function unpackArchive(target: string, text: string): Promise<void> {
  const stamp = createHash("sha256").update(text).digest("hex");
  if (existsSync(`${target}/stamp`) && (await readFile(`${target}/stamp`, "utf8")) === stamp) return;
  const files: unknown = JSON.parse(text);
  if (!isRecord(files)) throw new MicroError("internal", "the framework inside this executable cannot be read");
  const aside = `${target}.${process.pid}.new`;
  await mkdir(aside, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(`${aside}/${name}`, String(content));
  const manifest = { name: "micro-ts", type: "module", exports: entryPoints };
  await writeFile(`${aside}/package.json`, JSON.stringify(manifest));
  await writeFile(`${aside}/stamp`, stamp);
  await rm(target, { recursive: true, force: true });
  await rename(aside, target);
}
