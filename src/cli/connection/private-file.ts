import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "#cli/command-error.ts";

/** The text of a file; undefined when it is not there. @throws CommandError for one that cannot be read. */
export function readOptionalFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (reason) {
    if (hasCode(reason, "ENOENT")) return undefined;
    throw cannot("read", path, reason);
  }
}

/**
 * Replaces a file as a whole, readable by its owner only: a reader sees the old text or the new one, never a half. Makes
 * its folder where that is missing.
 *
 * @throws CommandError when the disk refuses.
 */
export function writePrivateFile(path: string, text: string): void {
  const aside = `${path}.${process.pid}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(aside, text, { mode: 0o600 });
    renameSync(aside, path);
  } catch (reason) {
    rmSync(aside, { force: true });
    throw cannot("write", path, reason);
  }
}

/** True for a system error of that code, like `ENOENT`. */
export function hasCode(reason: unknown, code: string): boolean {
  return reason instanceof Error && "code" in reason && reason.code === code;
}

function cannot(verb: string, path: string, reason: unknown): CommandError {
  const why = reason instanceof Error && "code" in reason ? String(reason.code) : String(reason);
  return new CommandError(`Cannot ${verb} ${path}: ${why}`, { cause: reason });
}
