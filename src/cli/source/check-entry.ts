import { extname } from "node:path";
import { CommandError } from "#cli/command-error.ts";
import type { SourceFile } from "./collect-source.ts";

const codeExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".go", ".py"]);
/** Files that say how a folder is run, whatever else is in it. */
const tellingNames: ReadonlySet<string> = new Set(["micro.json", "pyproject.toml"]);

/**
 * Refuses a folder in which the server cannot find anything to start, so that it is not uploaded in vain. Which file is the
 * one to start is the server's to decide.
 *
 * @throws CommandError when there is no code in it that the server knows.
 */
export function checkEntry(folder: string, files: readonly SourceFile[]): void {
  const tells = (path: string): boolean => codeExtensions.has(extname(path)) || tellingNames.has(path);
  if (files.some(({ path }) => tells(path))) return;
  throw new CommandError(
    `${folder} has no TypeScript, JavaScript, Go or Python to start: add an index.ts, or use --command`,
  );
}
