import { createHash } from "node:crypto";
import type { SourceFile } from "./source-archive.ts";

/** One hash over all files of a source, the same in whatever order they came. Hexadecimal SHA-256. */
export function hashSource(files: readonly SourceFile[]): string {
  const lines = files.map((file) => `${file.sha256} ${file.isExecutable ? "x" : "-"} ${file.sizeBytes} ${file.path}\n`);
  const hash = createHash("sha256");
  // The hash of a file comes first in its line, so that this order is the same everywhere.
  for (const line of lines.toSorted()) hash.update(line);
  return hash.digest("hex");
}
