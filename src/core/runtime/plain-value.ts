import { isRecord } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";

/** Deeper than any message that people fill in; a schema that holds itself would have no end. */
const depthMax = 8;
const fieldCountMax = 200;

type Schema = Readonly<Record<string, unknown>>;

/** Schemas of an OpenAPI document as type trees of the registry. */
export class SchemaReader {
  readonly #document: unknown;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** Follows a reference within the document; undefined for one that leads nowhere. */
  resolve(value: unknown): Schema | undefined {
    let current = value;
    for (let step = 0; step < depthMax; step += 1) {
      if (!isRecord(current)) return undefined;
      const reference = current["$ref"];
      if (typeof reference !== "string") return current;
      current = this.#follow(reference);
    }
    return undefined;
  }

  /** The tree of a schema; what it does not tell is `any`. */
  value(name: string, schema: unknown, depth = 0): Value {
    const found = this.resolve(schema);
    if (found === undefined || depth > depthMax) return { name, type: "any", values: [] };
    const kind = kindOf(found);
    if (kind === "array") {
      const items = this.value(name, found["items"], depth + 1);
      return { name, type: `[]${items.type}`, values: items.values };
    }
    if (kind !== "object") return { name, type: scalarOf(kind, found["format"]), values: [] };
    const fields = Object.entries(this.properties(found)).slice(0, fieldCountMax);
    const values = fields.map(([field, each]) => this.value(field, each, depth + 1));
    if (values.length > 0) return { name, type: titleOf(name, found), values };
    const { additionalProperties } = found;
    const rest = isRecord(additionalProperties) ? this.value(name, additionalProperties, depth + 1) : undefined;
    return rest === undefined
      ? { name, type: "any", values: [] }
      : { name, type: `map[string]${rest.type}`, values: rest.values };
  }

  /** The fields of an object, with those of the schemas that it is made of. */
  properties(schema: Schema, depth = 0): Readonly<Record<string, unknown>> {
    const own = isRecord(schema["properties"]) ? schema["properties"] : {};
    const parts = Array.isArray(schema["allOf"]) && depth < depthMax ? schema["allOf"] : [];
    const inherited = parts.map((part) => {
      const found = this.resolve(part);
      return found === undefined ? {} : this.properties(found, depth + 1);
    });
    return Object.assign({}, ...inherited, own) as Readonly<Record<string, unknown>>;
  }

  #follow(reference: string): unknown {
    if (!reference.startsWith("#/")) return undefined;
    let current: unknown = this.#document;
    for (const part of reference.slice(2).split("/")) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      current = isRecord(current) && Object.hasOwn(current, key) ? current[key] : undefined;
    }
    return current;
  }
}

function kindOf(schema: Schema): string {
  const { type } = schema;
  // OpenAPI 3.1 may name several types, mostly one and null.
  const named = Array.isArray(type) ? type.find((each) => each !== "null") : type;
  if (typeof named === "string") return named;
  return isRecord(schema["properties"]) || Array.isArray(schema["allOf"]) ? "object" : "any";
}

function scalarOf(kind: string, format: unknown): string {
  if (kind === "string") return "string";
  if (kind === "boolean") return "bool";
  if (kind === "integer") return format === "int32" ? "int32" : "int64";
  return kind === "number" ? "float64" : "any";
}

function titleOf(name: string, schema: Schema): string {
  const { title } = schema;
  const text = typeof title === "string" && /^\w+$/.test(title) ? title : name;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
