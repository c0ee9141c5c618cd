import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createHash } from "node:crypto";
import { limits } from "#base/limits.ts";
import type { SourceFile } from "./source-archive.ts";

/** Path of each content of a source, below its folder. */
export type SourceContents = ReadonlyMap<string, string>;

/**
 * Which contents kept sources hold. A source never changes, so what was found out about it stays true; it is forgotten when much
 * is known about others.
 */
export class SourceIndex {
  readonly #known = new Map<string, SourceContents>();
  #fileCount = 0;

  /** Takes up what an upload has just told. */
  add(sha256: string, files: readonly Pick<SourceFile, "sha256" | "path">[]): void {
    this.remove(sha256);
    const contents = new Map(files.map((file) => [file.sha256, file.path]));
    this.#known.set(sha256, contents);
    this.#fileCount += contents.size;
    for (const [oldest] of this.#known) {
      if (this.#fileCount <= limits.sourceIndexCountMax || oldest === sha256) break;
      this.remove(oldest);
    }
  }

  /** Whether a source need not be read. */
  knows(sha256: string): boolean {
    return this.#known.has(sha256);
  }

  /** The contents of a source; its files are read where they are not known. @param folder where it lies */
  async contents(sha256: string, folder: string): Promise<SourceContents> {
    const known = this.#known.get(sha256);
    if (known !== undefined) return known;
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files: Pick<SourceFile, "sha256" | "path">[] = [];
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = `${entry.parentPath}/${entry.name}`;
      files.push({ path: path.slice(folder.length + 1), sha256: await hashFile(path) });
    }
    this.add(sha256, files);
    return this.#known.get(sha256) ?? new Map();
  }

  remove(sha256: string): void {
    this.#fileCount -= this.#known.get(sha256)?.size ?? 0;
    this.#known.delete(sha256);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}
