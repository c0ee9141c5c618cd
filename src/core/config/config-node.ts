/** A part of a document without secrets: what a caller sends. */
export type JsonNode =
  /** Anything but an object: a leaf. `json` is compact, keys sorted, numbers with the digits that they came with. */
  | { readonly kind: "value"; readonly json: string }
  | { readonly kind: "object"; readonly entries: ReadonlyMap<string, JsonNode> };

/** A part of a document as it is kept. A secret is always a leaf; `sealed` is what {@link sealSecret} made of its JSON. */
export type ConfigNode =
  | { readonly kind: "value"; readonly json: string }
  | { readonly kind: "secret"; readonly sealed: string }
  | { readonly kind: "object"; readonly entries: ReadonlyMap<string, ConfigNode> };

/** Stands for a secret, as a string of JSON. */
export const maskJson = '"[secret]"';

/** What lies below `words`; undefined when nothing does. */
export function findNode(root: ConfigNode | undefined, words: readonly string[]): ConfigNode | undefined {
  let node = root;
  for (const word of words) {
    if (node?.kind !== "object") return undefined;
    node = node.entries.get(word);
  }
  return node;
}

/** True when there is a secret at this place or below it. */
export function holdsSecret(node: ConfigNode | undefined): boolean {
  if (node?.kind !== "object") return node?.kind === "secret";
  for (const each of node.entries.values()) {
    if (holdsSecret(each)) return true;
  }
  return false;
}

/** How a secret is written into JSON: what was sealed, and where it lies. */
export type SecretWriter = (sealed: string, words: readonly string[]) => string;

/** A secret's place is taken by the mask. */
export const writeMask: SecretWriter = () => maskJson;

/** Compact JSON, keys sorted. @param words where `node` lies */
export function writeNode(node: ConfigNode, writeSecret: SecretWriter, words: readonly string[] = []): string {
  if (node.kind === "value") return node.json;
  if (node.kind === "secret") return writeSecret(node.sealed, words);
  const fields = [...node.entries].sort(([left], [right]) => (left < right ? -1 : 1));
  const texts = fields.map(([key, each]) => `${JSON.stringify(key)}:${writeNode(each, writeSecret, [...words, key])}`);
  return `{${texts.join(",")}}`;
}
