import { Database } from "bun:sqlite";
import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { ErrorCode } from "#base/error-code.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { checkSqliteFile } from "./sqlite-file.ts";
import type { SqliteFormat } from "./sqlite-format.ts";

declare const self: Worker;

/** What is copied where; `target` is an empty file. */
export interface CopyRequest {
  readonly path: string;
  readonly target: string;
  readonly format: Pick<SqliteFormat, "at" | "what">;
}

export type CopyReply =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly detail: string };

self.addEventListener("message", (event: MessageEvent<CopyRequest>) => {
  const { path, format } = event.data;
  try {
    copy(event.data);
    self.postMessage({ kind: "done" } satisfies CopyReply);
  } catch (reason) {
    const { code, detail } = fromSqliteError(reason, path, format);
    self.postMessage({ kind: "failed", code, detail } satisfies CopyReply);
  }
});

function copy({ path, target, format }: CopyRequest): void {
  const source = new Database(path, { readonly: true, strict: true });
  try {
    source.run("PRAGMA busy_timeout = 5000");
    // Everything of one moment: in WAL mode a long read sees one state of the file and holds nobody up.
    source.run("VACUUM INTO ?", [target]);
  } finally {
    source.close();
  }
  const copied = new Database(target, { readonly: true, strict: true });
  try {
    checkSqliteFile(copied, target, { ...format, checkBytesMax: Number.POSITIVE_INFINITY });
  } finally {
    copied.close();
  }
  // The name of the file is in its folder, which has to reach the disk as well.
  for (const each of [target, dirname(target)]) {
    const file = openSync(each, "r");
    fsyncSync(file);
    closeSync(file);
  }
}
