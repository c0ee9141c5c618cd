import { extname } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import type { SourceFile } from "./collect-source.ts";

const codeExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]);

/**
 * Refuses a folder in which the server cannot find anything to start, so that it is not uploaded in vain. Which file is the
 * one to start is the server's to decide.
 *
 * @throws CommandError when there is no TypeScript or JavaScript in it.
 */
export function checkEntry(folder: string, files: readonly SourceFile[]): void {
  if (files.some(({ path }) => codeExtensions.has(extname(path)))) return;
  throw new CommandError(`${folder} has no TypeScript or JavaScript to start: add an index.ts, or use --command`);
}
