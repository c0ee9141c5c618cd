import {
  create,
  createRegistry,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Registry,
} from "@bufbuild/protobuf";
import { scalarZeroValue } from "@bufbuild/protobuf/reflect";
import { isRecord } from "#base/json.ts";
import { scalarReader } from "./proto-scalar-reader.ts";
import type { ReadValue } from "./proto-scalar.ts";
import { isNullable, isPlainStruct, isUnwrapped, readPlainStruct, wellKnownReader } from "./proto-well-known.ts";
import { setOwn } from "./set-own.ts";
import type { JsonPath } from "./json-path.ts";

/** The reader of one field of a message. */
interface FieldReader {
  readonly name: string;
  readonly isNullable: boolean;
  readonly read: ReadValue;
  readonly set: (message: Record<string, unknown>, value: unknown) => void;
}

/**
 * A function that reads messages of one type from JSON of a peer. It takes more than the contract writes: both names of
 * a field, unknown keys, `null` for absent, scalars in another form, one value where a list is wanted.
 * The descriptor is walked here, once, not for each message.
 */
export function compileJsonReader(desc: DescMessage): ReadValue {
  return new ReaderCompiler(createRegistry(desc.file)).message(desc);
}

class ReaderCompiler {
  readonly #registry: Registry;
  /** Types refer to each other, and to themselves. */
  readonly #compiled = new Map<DescMessage, ReadValue>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  message(desc: DescMessage): ReadValue {
    const known = this.#compiled.get(desc) ?? wellKnownReader(desc, this.#registry);
    if (known !== undefined) return known;
    const fields = new Map<string, FieldReader>();
    const read: ReadValue = (json, path) => readMessage(desc, fields, json, path);
    this.#compiled.set(desc, read);
    for (const field of desc.fields) {
      const reader = this.#field(field);
      for (const name of [field.name, field.jsonName, field.localName]) fields.set(name, reader);
    }
    return read;
  }

  #field(field: DescField): FieldReader {
    const { name, localName, oneof } = field;
    const set: FieldReader["set"] =
      oneof === undefined
        ? (message, value) => void (message[localName] = value)
        : (message, value) => void (message[oneof.localName] = { case: localName, value });
    return { name, isNullable: isNullable(field), read: this.#value(field), set };
  }

  #value(field: DescField): ReadValue {
    const read = this.#element(field);
    if (field.fieldKind !== "list" && field.fieldKind !== "map") return read;
    const readItem = isNullable(field) ? read : orZero(field, read);
    if (field.fieldKind === "list") return (json, path) => readList(json, path, readItem);
    const readKey = scalarReader(field.mapKey);
    return (json, path) => readMap(json, path, { readKey, readItem });
  }

  /** One value, one item of a list or one value of a map. */
  #element(field: DescField): ReadValue {
    if (field.enum !== undefined) return enumReader(field.enum);
    if (field.message === undefined) return longReader(field, scalarReader(field.scalar));
    if (isPlainStruct(field)) return readPlainStruct;
    const wrapped = isUnwrapped(field) ? field.message.fields[0]?.scalar : undefined;
    return wrapped === undefined ? this.message(field.message) : scalarReader(wrapped);
  }
}

function readMessage(
  desc: DescMessage,
  fields: ReadonlyMap<string, FieldReader>,
  json: unknown,
  path: JsonPath,
): unknown {
  const message = create(desc) as unknown as Record<string, unknown>;
  if (json === null || json === undefined) return message;
  if (!isRecord(json)) throw path.fault(json, "an object");
  for (const key of Object.keys(json)) {
    const field = fields.get(key);
    const value = json[key];
    if (field === undefined || value === undefined || (value === null && !field.isNullable)) continue;
    path.enter(field.name);
    field.set(message, field.read(value, path));
    path.leave();
  }
  return message;
}

function readList(json: unknown, path: JsonPath, readItem: ReadValue): unknown[] {
  if (!Array.isArray(json)) return [readItem(json, path)];
  return json.map((item, index) => {
    path.enter(index);
    const value = readItem(item, path);
    path.leave();
    return value;
  });
}

function readMap(json: unknown, path: JsonPath, read: { readKey: ReadValue; readItem: ReadValue }): unknown {
  if (!isRecord(json)) throw path.fault(json, "an object");
  const map: Record<string, unknown> = {};
  for (const key of Object.keys(json)) {
    path.enter(key);
    setOwn(map, String(read.readKey(key, path)), read.readItem(json[key], path));
    path.leave();
  }
  return map;
}

/** A `null` among values is the zero value: a list keeps its length, a map its keys. */
function orZero(field: DescField, read: ReadValue): ReadValue {
  if (field.message !== undefined) return read;
  const { enum: enumDesc, scalar } = field;
  if (enumDesc !== undefined)
    return (json, path) => (json === null ? (enumDesc.values[0]?.number ?? 0) : read(json, path));
  return (json, path) => (json === null ? scalarZeroValue(scalar, false) : read(json, path));
}

/** A field may ask to have its 64-bit integers as strings. */
function longReader(field: DescField, read: ReadValue): ReadValue {
  if (!("longAsString" in field) || !field.longAsString) return read;
  return (json, path) => String(read(json, path));
}

function enumReader(desc: DescEnum): ReadValue {
  if (desc.typeName === "google.protobuf.NullValue") return () => 0;
  const numbers = new Map(desc.values.map((value) => [value.name, value.number]));
  const readNumber = scalarReader(ScalarType.INT32);
  const wanted = `one of ${desc.values
    .slice(0, 16)
    .map((value) => value.name)
    .join(", ")}`;
  return (json, path) => {
    const number = typeof json === "string" ? numbers.get(json) : undefined;
    if (number !== undefined) return number;
    if (typeof json === "string" && !/^-?\d+$/.test(json)) throw path.fault(json, wanted);
    return readNumber(json, path);
  };
}
