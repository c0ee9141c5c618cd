import type { JsonObject, JsonValue } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";
import type { Parameter } from "./parameters.ts";
import { readScalar } from "./read-scalar.ts";
import { elementType, fieldType } from "./value-type.ts";

/** What the parameters say about one place of the message. */
interface Place {
  readonly values: Pick<Parameter, "value" | "bytes">[];
  isList: boolean;
  readonly children: Map<string, Place>;
}

/**
 * Parameters as the JSON of a message.
 *
 * Each value gets the type that the endpoint's schema gives its place; where the schema says nothing, it is taken for
 * JSON where it is JSON and for text otherwise. A scalar that is named twice has its last value; a list has them all.
 */
export function parametersToJson(parameters: readonly Parameter[], type: Value | undefined): JsonObject {
  const root = emptyPlace();
  for (const parameter of parameters) {
    const { path, isItem } = parameter;
    let place = root;
    for (const key of path) {
      const child = place.children.get(key) ?? emptyPlace();
      place.children.set(key, child);
      place = child;
    }
    place.values.push(parameter);
    place.isList ||= isItem;
  }
  return toObject(root, type);
}

function emptyPlace(): Place {
  return { values: [], isList: false, children: new Map() };
}

function toObject(place: Place, type: Value | undefined): JsonObject {
  // Without a prototype no name means anything special.
  const object = Object.create(null) as Record<string, JsonValue>;
  for (const [key, child] of place.children) object[key] = toJson(child, fieldType(type, key));
  return object;
}

function toJson(place: Place, type: Value | undefined): JsonValue {
  const item = elementType(type);
  if (place.children.size > 0) return item === undefined ? toObject(place, type) : toIndexedList(place, item);
  if (item === undefined && !place.isList) return readValue(place.values.at(-1), type);
  const [only] = place.values;
  const whole = place.values.length === 1 && !place.isList ? readValue(only, undefined) : undefined;
  return Array.isArray(whole) ? whole : place.values.map((value) => readValue(value, item));
}

/** A file is bytes, which are base64 in JSON, unless the schema wants text. */
function readValue(given: Pick<Parameter, "value" | "bytes"> | undefined, type: Value | undefined): JsonValue {
  if (given?.bytes === undefined) return readScalar(given?.value, type);
  return Buffer.from(given.bytes).toString(type?.type === "string" ? "utf8" : "base64");
}

/** `a[0]=x&a[1]=y` of a list: in the order of the numbers. */
function toIndexedList(place: Place, item: Value): JsonValue {
  const ordered = [...place.children].sort(([a], [b]) => Number(a) - Number(b));
  return ordered.map(([, child]) => toJson(child, item));
}
