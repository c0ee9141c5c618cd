import { createHash } from "node:crypto";
import type { SourceFile } from "./collect-source.ts";
import { readContent } from "./pack-source.ts";

/** A file of a source with the hash of its content. */
export interface HashedFile extends SourceFile {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Files that are read at a time. */
const concurrencyMax = 8;

/** @throws CommandError when a file cannot be read, or changes while it is. */
export async function hashFiles(files: readonly SourceFile[]): Promise<readonly HashedFile[]> {
  const hashed: HashedFile[] = [];
  const left = files.map((file, index) => [file, index] as const).toReversed();
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [file, index] = next;
      hashed[index] = { ...file, sha256: await hashFile(file) };
    }
  };
  await Promise.all(Array.from({ length: concurrencyMax }, worker));
  return hashed;
}

async function hashFile(file: SourceFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of readContent(file)) hash.update(piece);
  return hash.digest("hex");
}
