import type { Undo } from "./change-tree.ts";
import type { ConfigNode } from "./config-node.ts";
import type { Words } from "./config-path.ts";

/** What takes the place of a sealed secret: another seal, or the same. */
export type SecretMapper = (sealed: string, words: Words) => string;

/** The same tree with its secrets replaced. @param words where `node` lies */
export function mapSecrets(node: ConfigNode, map: SecretMapper, words: Words = []): ConfigNode {
  if (node.kind === "value") return node;
  if (node.kind === "secret") return { kind: "secret", sealed: map(node.sealed, words) };
  const fields = [...node.entries].map(([key, each]) => [key, mapSecrets(each, map, [...words, key])] as const);
  return { kind: "object", entries: new Map(fields) };
}

/** The same undo with the secrets that it would put back replaced. */
export function mapUndoSecrets(undo: Undo, map: SecretMapper, words: Words = []): Undo {
  if (undo.kind === "put") {
    return { kind: "put", node: undo.node === undefined ? undefined : mapSecrets(undo.node, map, words) };
  }
  const fields = [...undo.entries].map(([key, each]) => [key, mapUndoSecrets(each, map, [...words, key])] as const);
  return { kind: "inside", entries: new Map(fields) };
}
