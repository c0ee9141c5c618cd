import type { Field } from "#gen/store/store_pb.ts";

/** Begins a text that says its type as well; what people and programs write begins otherwise. */
const mark = "\u0001";

/** The type of what is kept as it is. */
const plainType = "string";

/**
 * Metadata of the wire, where each piece has a type, as a store keeps it, which knows texts only: a piece of type `string`
 * is its value, any other is U+0001 and the JSON array `[type, value]`.
 */
export function toMetadata(fields: Readonly<Record<string, Field>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, toText(field)]));
}

/** The same the other way; what was not written by `toMetadata` is of type `string`. */
export function toFields(metadata: Readonly<Record<string, string>>): Record<string, Field> {
  return Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, toField(text)]));
}

function toText({ type, value }: Field): string {
  return type === plainType && !value.startsWith(mark) ? value : `${mark}${JSON.stringify([type, value])}`;
}

function toField(text: string): Field {
  const pair = text.startsWith(mark) ? parsePair(text.slice(mark.length)) : undefined;
  const [type, value] = pair ?? [plainType, text];
  return { $typeName: "store.Field", type, value };
}

function parsePair(json: string): readonly [string, string] | undefined {
  try {
    const pair = JSON.parse(json) as unknown;
    if (!Array.isArray(pair)) return undefined;
    const [type, value] = pair as readonly unknown[];
    return typeof type === "string" && typeof value === "string" ? [type, value] : undefined;
  } catch {
    return undefined;
  }
}
