import type { SchemaValue } from "./service-entry.ts";

/** The field that a flag means. */
export interface FieldTarget {
  /** From the top of the message down. */
  readonly path: readonly string[];
  /** Type of what the flag gives. */
  readonly value: SchemaValue;
}

/**
 * Finds the field that a flag's name means. Levels are joined by dots, dashes or underscores; the letters' case and the
 * dashes and underscores inside a name do not matter where no field is written exactly so. Below a map, the rest of the
 * name is the key.
 */
export function resolveField(message: SchemaValue, written: string): FieldTarget | undefined {
  const own = findByName(message.values, written);
  if (own !== undefined) return { path: [own.name], value: own };
  for (let index = 1; index < written.length - 1; index += 1) {
    if (!/[._-]/.test(written.charAt(index))) continue;
    const parent = findByName(message.values, written.slice(0, index));
    const below = parent === undefined ? undefined : resolveBelow(parent, written.slice(index + 1));
    if (parent !== undefined && below !== undefined) return { path: [parent.name, ...below.path], value: below.value };
  }
  return undefined;
}

function resolveBelow(parent: SchemaValue, written: string): FieldTarget | undefined {
  const element = mapElement(parent.type);
  if (element !== undefined) return { path: [written], value: { name: written, type: element, values: [] } };
  if (parent.type === "any") return { path: written.split("."), value: { name: written, type: "any", values: [] } };
  return parent.type.startsWith("[]") ? undefined : resolveField(parent, written);
}

/** Type of the values of `map[K]V`; undefined for anything else. */
export function mapElement(type: string): string | undefined {
  return /^map\[[^\]]*\](.+)$/.exec(type)?.[1];
}

function findByName(fields: readonly SchemaValue[], written: string): SchemaValue | undefined {
  return (
    fields.find(({ name }) => name === written) ??
    fields.find(({ name }) => name.replaceAll("_", "-") === written.replaceAll("_", "-")) ??
    fields.find(({ name }) => squash(name) === squash(written))
  );
}

function squash(name: string): string {
  return name.replace(/[_-]/g, "").toLowerCase();
}

/** A field as help lists it. */
export interface FlagLine {
  readonly name: string;
  readonly type: string;
}

/** The flags of a message: one a field, fields of nested messages by their path. */
export function listFlags(message: SchemaValue, prefix = ""): readonly FlagLine[] {
  return message.values.flatMap((field) => {
    const name = `${prefix}${field.name}`;
    const isNested = field.values.length > 0 && !field.type.startsWith("[]") && mapElement(field.type) === undefined;
    return isNested ? listFlags(field, `${name}.`) : [{ name, type: field.type }];
  });
}
