import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { JsonNode } from "./config-node.ts";

/** A path as its words: none for the whole document. */
export type Words = readonly string[];

/** @throws MicroError `invalid_argument` for an empty word, or a path that is too long or too deep. */
export function parsePath(path: string): Words {
  if (path === "") return [];
  if (Buffer.byteLength(path) > limits.configPathBytesMax) {
    throw new MicroError("invalid_argument", `a path is at most ${limits.configPathBytesMax} bytes`);
  }
  const words = path.split(".");
  if (words.includes("")) {
    const detail = `path ${showPath(words)} has an empty word: write words with one dot between them, as in mail.from`;
    throw new MicroError("invalid_argument", detail);
  }
  requireDepth(words.length);
  return words;
}

/** A path in a sentence: quoted, on one line, and cut where it is long. */
export function showPath(words: Words): string {
  const path = words.join(".");
  return JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path);
}

/**
 * Checks that everything in a value can be reached by a path.
 *
 * @param words where the value is put
 * @throws MicroError `invalid_argument` for a key that is empty or holds a dot, or for a value that is too deep there.
 */
export function requireReachable(node: JsonNode, words: Words): void {
  if (node.kind !== "object") return;
  requireDepth(words.length + 1);
  for (const [key, each] of node.entries) {
    if (key === "" || key.includes(".")) {
      const problem = key === "" ? "an empty key" : "a key that holds a dot";
      const where = words.length === 0 ? "the document" : `the object at ${showPath(words)}`;
      throw new MicroError("invalid_argument", `${where} has ${problem}: no path could name it`);
    }
    requireReachable(each, [...words, key]);
  }
}

/** True when one path is the other or lies above it. */
export function isRelated(left: Words, right: Words): boolean {
  const count = Math.min(left.length, right.length);
  for (let index = 0; index < count; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

function requireDepth(depth: number): void {
  if (depth <= limits.messageDepthMax) return;
  throw new MicroError("invalid_argument", `a document is at most ${limits.messageDepthMax} levels deep`);
}
