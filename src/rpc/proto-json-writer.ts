import {
  createRegistry,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Registry,
} from "@bufbuild/protobuf";
import { hasImplicitPresence } from "./proto-presence.ts";
import { isNullable, isPlainStruct, isUnwrapped, wellKnownWriter } from "./proto-well-known.ts";
import { scalarWriter } from "./proto-scalar-writer.ts";
import type { WriteValue } from "./proto-scalar.ts";
import { setOwn } from "./set-own.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";

/** The writer of one field of a message. */
type WriteField = (message: Readonly<Record<string, unknown>>, out: Record<string, JsonValue>) => void;

/**
 * A function that writes messages of one type as JSON in the form of the wire contract: names as in the .proto, default
 * values present, unset messages and empty bytes `null`, unset optional scalars and unset cases of a oneof left out.
 * The descriptor is walked here, once, not for each message.
 */
export function compileJsonWriter(desc: DescMessage): WriteValue {
  return new WriterCompiler(createRegistry(desc.file)).message(desc);
}

class WriterCompiler {
  readonly #registry: Registry;
  /** Types refer to each other, and to themselves. */
  readonly #compiled = new Map<DescMessage, WriteValue>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  message(desc: DescMessage): WriteValue {
    const known = this.#compiled.get(desc) ?? wellKnownWriter(desc, this.#registry);
    if (known !== undefined) return known;
    const fields: WriteField[] = [];
    const write: WriteValue = (message) => {
      const out: Record<string, JsonValue> = {};
      for (const writeField of fields) writeField(message as Readonly<Record<string, unknown>>, out);
      return out;
    };
    this.#compiled.set(desc, write);
    for (const field of desc.fields) fields.push(this.#field(field));
    return write;
  }

  #field(field: DescField): WriteField {
    const { name, localName } = field;
    const write = this.#value(field);
    if (field.oneof !== undefined) return oneofWriter(field.oneof.localName, field, write);
    if (hasImplicitPresence(field)) return (message, out) => void (out[name] = write(message[localName]));
    // Where `null` is a value of its own it cannot also say "absent".
    if (field.message !== undefined && !isNullable(field)) {
      return (message, out) => void (out[name] = message[localName] === undefined ? null : write(message[localName]));
    }
    return (message, out) => {
      if (Object.hasOwn(message, localName) && message[localName] !== undefined) out[name] = write(message[localName]);
    };
  }

  #value(field: DescField): WriteValue {
    const write = this.#element(field);
    if (field.fieldKind === "list") return (list) => (list as readonly unknown[]).map(write);
    if (field.fieldKind === "map") return (map) => writeMap(map as Readonly<Record<string, unknown>>, write);
    const isBytes = field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES && hasImplicitPresence(field);
    return isBytes ? (value) => ((value as Uint8Array).length === 0 ? null : write(value)) : write;
  }

  /** One value, one item of a list or one value of a map. */
  #element(field: DescField): WriteValue {
    if (field.enum !== undefined) return enumWriter(field.enum);
    if (field.message === undefined) return scalarWriter(field.scalar);
    if (isPlainStruct(field)) return (value) => value as JsonObject;
    const wrapped = isUnwrapped(field) ? field.message.fields[0]?.scalar : undefined;
    return wrapped === undefined ? this.message(field.message) : scalarWriter(wrapped);
  }
}

function oneofWriter(oneofName: string, field: DescField, write: WriteValue): WriteField {
  const { name, localName } = field;
  return (message, out) => {
    const selected = message[oneofName] as { readonly case: string | undefined; readonly value?: unknown };
    if (selected.case === localName) out[name] = write(selected.value);
  };
}

function writeMap(map: Readonly<Record<string, unknown>>, write: WriteValue): JsonObject {
  const out: Record<string, JsonValue> = {};
  for (const key of Object.keys(map)) setOwn(out, key, write(map[key]));
  return out;
}

function enumWriter(desc: DescEnum): WriteValue {
  if (desc.typeName === "google.protobuf.NullValue") return () => null;
  const names = new Map(desc.values.map((value) => [value.number, value.name]));
  return (value) => names.get(value as number) ?? (value as number);
}
