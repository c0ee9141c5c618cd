import { SQLiteError } from "bun:sqlite";
import { MicroError } from "#base/error.ts";
import type { SqliteFormat } from "./sqlite-format.ts";

/**
 * What SQLite reports, as the block says it: `internal` for a damaged file, `unavailable` for everything that the disk or
 * the system refuses. Other failures pass as they are.
 */
export function fromSqliteError(reason: unknown, path: string, format: Pick<SqliteFormat, "at" | "what">): MicroError {
  if (!(reason instanceof SQLiteError)) return MicroError.from(reason);
  const { at, what } = format;
  const code = reason.code ?? "";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") {
    return damagedFile(path, format, { detail: reason.message, cause: reason });
  }
  if (code === "SQLITE_FULL") {
    return new MicroError("unavailable", `the disk of ${path} is full: free some space`, { at, cause: reason });
  }
  const detail = `the ${what} cannot use ${path} (${code === "" ? "" : `${code}: `}${reason.message})`;
  return new MicroError("unavailable", detail, { at, cause: reason });
}

/** The refusal of a file that is not sound. */
export function damagedFile(
  path: string,
  { at, what }: Pick<SqliteFormat, "at" | "what">,
  found: { readonly detail: string; readonly cause?: unknown },
): MicroError {
  const text = `the ${what} file ${path} is damaged (${found.detail}): restore it from a backup; nothing was changed`;
  return new MicroError("internal", text, { at, cause: found.cause });
}
