import { MicroError } from "#base/error.ts";
import { holdsSecret, maskJson, type ConfigNode, type JsonNode } from "./config-node.ts";
import { showPath, type Words } from "./config-path.ts";

/**
 * How to take a change back: at each place that it touched, what was there before. It has the shape of the change, not of
 * the document, so a small change of a big document has a small one.
 */
export type Undo =
  | { readonly kind: "inside"; readonly entries: ReadonlyMap<string, Undo> }
  | { readonly kind: "put"; readonly node: ConfigNode | undefined };

export interface TreeChange {
  /** The document afterwards. */
  readonly root: ConfigNode | undefined;
  readonly undo: Undo;
}

/** What makes a leaf a secret. */
export interface SealOptions {
  /** All leaves of the value are secrets. */
  readonly isSecret: boolean;
  readonly seal: (words: Words, json: string) => string;
}

/** A change by a value, with the value as it may be shown. */
export interface Merge extends TreeChange {
  /** What was set, secrets masked. */
  readonly shown: JsonNode;
}

/**
 * Merges a value into a document at a path: objects key by key, anything else takes the place of what was there. What
 * takes the place of a secret is a secret too; the mask in the place of a secret leaves it as it is.
 *
 * @throws MicroError `failed_precondition` when something above the path is no object.
 */
export function mergeAt(root: ConfigNode | undefined, words: Words, value: JsonNode, options: SealOptions): Merge {
  requireObjectsAbove(root, words);
  const nested = words.reduceRight<JsonNode>((inner, word) => toObject([[word, inner]]), value);
  const { node, undo, shown } = merge(root, nested, [], options);
  return { root: node, undo, shown: descend(shown, words) };
}

/** Removes what lies at a path; undefined when nothing does. */
export function removeAt(root: ConfigNode | undefined, words: Words): TreeChange | undefined {
  if (root === undefined) return undefined;
  const [word, ...rest] = words;
  if (word === undefined) return { root: undefined, undo: { kind: "put", node: root } };
  if (root.kind !== "object") return undefined;
  const inner = removeAt(root.entries.get(word), rest);
  if (inner === undefined) return undefined;
  const undo: Undo = { kind: "inside", entries: new Map([[word, inner.undo]]) };
  return { root: { kind: "object", entries: withEntry(root.entries, word, inner.root) }, undo };
}

/** The document as it was before the change. */
export function takeBack(root: ConfigNode | undefined, undo: Undo): ConfigNode | undefined {
  if (undo.kind === "put") return undo.node;
  if (root?.kind !== "object") throw new MicroError("internal", "a change in the history does not fit its document");
  const entries = new Map(root.entries);
  for (const [key, each] of undo.entries) {
    const node = takeBack(entries.get(key), each);
    if (node === undefined) entries.delete(key);
    else entries.set(key, node);
  }
  return { kind: "object", entries };
}

/** True when the change touched the path, something above it, or something below it. */
export function touches(undo: Undo, words: Words): boolean {
  const [word, ...rest] = words;
  if (undo.kind === "put" || word === undefined) return true;
  const inner = undo.entries.get(word);
  return inner !== undefined && touches(inner, rest);
}

interface NodeMerge {
  readonly node: ConfigNode;
  readonly undo: Undo;
  readonly shown: JsonNode;
}

function merge(old: ConfigNode | undefined, value: JsonNode, words: Words, options: SealOptions): NodeMerge {
  if (old?.kind === "object" && value.kind === "object")
    return mergeObjects(old.entries, value.entries, words, options);
  if (old?.kind === "secret" && value.kind === "value" && value.json === maskJson) {
    return { node: old, undo: { kind: "inside", entries: new Map() }, shown: value };
  }
  const isSecret = options.isSecret || holdsSecret(old);
  return { ...place(value, words, { ...options, isSecret }), undo: { kind: "put", node: old } };
}

function mergeObjects(
  old: ReadonlyMap<string, ConfigNode>,
  value: ReadonlyMap<string, JsonNode>,
  words: Words,
  options: SealOptions,
): NodeMerge {
  const entries = new Map(old);
  const undos = new Map<string, Undo>();
  const shown = new Map<string, JsonNode>();
  for (const [key, each] of value) {
    const merged = merge(old.get(key), each, [...words, key], options);
    entries.set(key, merged.node);
    undos.set(key, merged.undo);
    shown.set(key, merged.shown);
  }
  return {
    node: { kind: "object", entries },
    undo: { kind: "inside", entries: undos },
    shown: { kind: "object", entries: shown },
  };
}

/** A value where nothing is kept of what was there. */
function place(value: JsonNode, words: Words, options: SealOptions): { node: ConfigNode; shown: JsonNode } {
  if (!options.isSecret) return { node: value, shown: value };
  if (value.kind === "object") {
    const fields = [...value.entries].map(([key, each]) => [key, place(each, [...words, key], options)] as const);
    const node: ConfigNode = { kind: "object", entries: new Map(fields.map(([key, each]) => [key, each.node])) };
    return { node, shown: toObject(fields.map(([key, each]) => [key, each.shown])) };
  }
  const node: ConfigNode = { kind: "secret", sealed: options.seal(words, value.json) };
  return { node, shown: { kind: "value", json: maskJson } };
}

function requireObjectsAbove(root: ConfigNode | undefined, words: Words): void {
  let node = root;
  for (const [index, word] of words.entries()) {
    if (node === undefined) return;
    if (node.kind !== "object") {
      const above = showPath(words.slice(0, index));
      const detail = `${above} is ${describeLeaf(node)}, so it holds no ${showPath([word])}: delete ${above} first`;
      throw new MicroError("failed_precondition", detail);
    }
    node = node.entries.get(word);
  }
}

/** What a leaf is, without showing it. */
function describeLeaf(node: ConfigNode): string {
  if (node.kind !== "value") return "a secret";
  if (node.json.startsWith('"')) return "a string";
  if (node.json.startsWith("[")) return "a list";
  if (node.json === "null") return "null";
  return node.json === "true" || node.json === "false" ? "a boolean" : "a number";
}

function descend(node: JsonNode, words: Words): JsonNode {
  let current = node;
  for (const word of words) {
    const inner = current.kind === "object" ? current.entries.get(word) : undefined;
    if (inner === undefined) throw new MicroError("internal", "a change does not have the shape of its value");
    current = inner;
  }
  return current;
}

function toObject(entries: readonly (readonly [string, JsonNode])[]): JsonNode {
  return { kind: "object", entries: new Map(entries) };
}

function withEntry(
  entries: ReadonlyMap<string, ConfigNode>,
  key: string,
  node: ConfigNode | undefined,
): ReadonlyMap<string, ConfigNode> {
  const next = new Map(entries);
  if (node === undefined) next.delete(key);
  else next.set(key, node);
  return next;
}
