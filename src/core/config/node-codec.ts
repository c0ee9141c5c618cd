import { isRecord, type JsonValue } from "#base/json.ts";
import { MicroError } from "#base/error.ts";
import type { Undo } from "./change-tree.ts";
import type { ConfigNode } from "./config-node.ts";

/**
 * Nodes as they lie on disk: a value is a string that holds its JSON, an object is an array of keys and nodes in turn, a
 * secret is an object with `s`. In this form no key of a document is ever a key of an object.
 */
export function encodeNode(node: ConfigNode): JsonValue {
  if (node.kind === "value") return node.json;
  if (node.kind === "secret") return { s: node.sealed };
  return [...node.entries].flatMap(([key, each]) => [key, encodeNode(each)]);
}

/** @throws MicroError `internal` for what is none. */
export function decodeNode(value: unknown): ConfigNode {
  if (typeof value === "string") return { kind: "value", json: value };
  if (Array.isArray(value)) return { kind: "object", entries: decodeEntries(value, decodeNode) };
  if (isRecord(value) && typeof value["s"] === "string") return { kind: "secret", sealed: value["s"] };
  throw damaged();
}

/** An undo: `p` is what is put back, null for nothing; `i` holds keys and undos in turn. */
export function encodeUndo(undo: Undo): JsonValue {
  if (undo.kind === "put") return { p: undo.node === undefined ? null : encodeNode(undo.node) };
  return { i: [...undo.entries].flatMap(([key, each]) => [key, encodeUndo(each)]) };
}

/** @throws MicroError `internal` for what is none. */
export function decodeUndo(value: unknown): Undo {
  if (!isRecord(value)) throw damaged();
  const { i: inside, p: node } = value;
  if (Array.isArray(inside)) return { kind: "inside", entries: decodeEntries(inside, decodeUndo) };
  if (node === undefined) throw damaged();
  return { kind: "put", node: node === null ? undefined : decodeNode(node) };
}

function decodeEntries<T>(items: readonly unknown[], decode: (item: unknown) => T): Map<string, T> {
  const entries = new Map<string, T>();
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index];
    if (typeof key !== "string") throw damaged();
    entries.set(key, decode(items[index + 1]));
  }
  return entries;
}

function damaged(): MicroError {
  return new MicroError("internal", "a record of config is damaged");
}
