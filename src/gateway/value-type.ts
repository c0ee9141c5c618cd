import type { Value } from "#interface/registry.ts";

/** The type of a field of a message, or of the values of a map; undefined where the schema does not say. */
export function fieldType(type: Value | undefined, name: string): Value | undefined {
  if (type === undefined) return undefined;
  const map = /^map\[\w+\](.+)$/.exec(type.type);
  if (map?.[1] !== undefined) return { name, type: map[1], values: [] };
  return type.values.find((field) => field.name === name || camelName(field.name) === name);
}

/** The type of the items of a list; undefined for what is none. Bytes are text in JSON, not a list. */
export function elementType(type: Value | undefined): Value | undefined {
  if (type === undefined || !type.type.startsWith("[]") || type.type === "[]uint8") return undefined;
  return { name: "", type: type.type.slice(2), values: type.values };
}

/** `first_name` → `firstName`: both name the field in JSON. */
function camelName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
