import { resolve } from "node:path";
import { existsSync } from "node:fs";
import { CommandError } from "#cli/command-error.ts";

/** The folder that a source names. @throws CommandError for a repository, which is not understood yet. */
export function resolveSourceFolder(source: string): string {
  if (!existsSync(source) && looksLikeRepository(source)) {
    throw new CommandError("git sources are not supported yet; run a folder", { code: "unimplemented" });
  }
  return resolve(source);
}

/** `host.tld/owner/repo…`, a URL, or `git@…`. */
function looksLikeRepository(source: string): boolean {
  return /^(?:[a-z+]+:\/\/|git@|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\/[^/]+\/[^/]+)/.test(source);
}
