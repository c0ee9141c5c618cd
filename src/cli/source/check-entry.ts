import { readFile } from "node:fs/promises";
import { CommandError } from "#cli/command-error.ts";
import { isRecord } from "#base/json.ts";
import type { SourceFile } from "./collect-source.ts";

/** Files that a service may start with, as the runtime looks for them. */
const entryFile = /^(src\/)?(index|main|server)\.(ts|mts|tsx|js|mjs|cjs)$/;

/**
 * Makes sure that the server will find something to start, so that nothing is uploaded in vain.
 *
 * @throws CommandError when there is neither an entry file nor a package.json that names one.
 */
export async function checkEntry(folder: string, files: readonly SourceFile[]): Promise<void> {
  if (files.some(({ path }) => entryFile.test(path))) return;
  const manifest = files.find(({ path }) => path === "package.json");
  if (manifest !== undefined && (await namesEntry(manifest.absolutePath))) return;
  throw new CommandError(
    `${folder} has nothing to start: it needs an index.ts, a package.json with "main", or --command`,
  );
}

async function namesEntry(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (reason) {
    throw new CommandError(`${path} is not JSON: ${reason instanceof Error ? reason.message : ""}`, { cause: reason });
  }
  if (!isRecord(value)) return false;
  const scripts = value["scripts"];
  return [value["main"], value["module"], isRecord(scripts) ? scripts["start"] : undefined].some(
    (each) => typeof each === "string" && each !== "",
  );
}
