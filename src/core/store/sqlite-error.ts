import { SQLiteError } from "bun:sqlite";
import { MicroError } from "#base/error.ts";

/**
 * What SQLite reports, as the store says it: `internal` for a damaged file, `unavailable` for everything that the disk or
 * the system refuses. Other failures pass as they are.
 */
export function fromSqliteError(reason: unknown, path: string): MicroError {
  if (!(reason instanceof SQLiteError)) return MicroError.from(reason);
  const code = reason.code ?? "";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") {
    const detail = `the store file ${path} is damaged (${reason.message}): restore it from a backup; nothing was changed`;
    return new MicroError("internal", detail, { at: "store", cause: reason });
  }
  if (code === "SQLITE_FULL") {
    return new MicroError("unavailable", `the disk of ${path} is full: free some space`, {
      at: "store",
      cause: reason,
    });
  }
  const detail = `the store cannot use ${path} (${code === "" ? "" : `${code}: `}${reason.message})`;
  return new MicroError("unavailable", detail, { at: "store", cause: reason });
}
