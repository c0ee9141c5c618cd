import { create, ScalarType, type DescField, type DescMessage, type DescOneof, type Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc, { type Arbitrary } from "fast-check";

/** Messages below this many others are empty. */
const depthMax = 1;

/** Messages of a type with any content that both encodings can carry: no NaN (unequal to itself) and no minus zero. */
export function messageArbitrary(desc: DescMessage, depth = 0): Arbitrary<Message> {
  const known = wellKnown[desc.typeName];
  if (known !== undefined) return known.map((init) => create(desc, init));
  if (depth > depthMax) return fc.constant(desc).map((each) => create(each));
  const alone = desc.fields.filter((field) => field.oneof === undefined);
  const members = {
    ...Object.fromEntries(alone.map((field) => [field.localName, fieldArbitrary(field, depth)])),
    ...Object.fromEntries(desc.oneofs.map((oneof) => [oneof.localName, oneofArbitrary(oneof, depth)])),
  };
  return fc.record(members, { requiredKeys: [] }).map((init) => create(desc, init));
}

function oneofArbitrary(oneof: DescOneof, depth: number): Arbitrary<unknown> {
  const toCase = (field: DescField): Arbitrary<unknown> =>
    fieldArbitrary(field, depth).map((value) => ({ case: field.localName, value }));
  return fc.oneof(...oneof.fields.map(toCase));
}

function fieldArbitrary(field: DescField, depth: number): Arbitrary<unknown> {
  const value = elementArbitrary(field, depth);
  if (field.fieldKind === "list") return fc.array(value, { maxLength: 2 });
  if (field.fieldKind !== "map") return value;
  const entry = fc.tuple(scalarArbitrary(field.mapKey).map(String), value);
  return fc.array(entry, { maxLength: 2 }).map((entries) => Object.fromEntries(entries));
}

function elementArbitrary(field: DescField, depth: number): Arbitrary<unknown> {
  const { message } = field;
  if (field.enum !== undefined) {
    return fc.oneof(fc.constantFrom(...field.enum.values.map((each) => each.number)), int32);
  }
  if (message === undefined) return scalarArbitrary(field.scalar);
  if (message.typeName === "google.protobuf.Struct") return jsonObject;
  const isAlone = field.fieldKind === "message" && field.oneof === undefined;
  if (isAlone && isWrapperDesc(message)) return scalarArbitrary(message.fields[0].scalar);
  // A message may hold itself: its arbitrary is made only when it is wanted.
  return fc.constant(message).chain((each) => messageArbitrary(each, depth + 1));
}

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "constructor", ""));
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const notMinusZero = (value: number): boolean => !Object.is(value, -0);

/** Through the text of JSON, which knows no minus zero. */
const jsonObject: Arbitrary<Record<string, unknown>> = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

function scalarArbitrary(type: ScalarType): Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return text.map((each) => each.toWellFormed());
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 20 });
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true }).filter(notMinusZero);
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true }).filter(notMinusZero);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return int32;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    default:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  }
}

const nanos = fc.integer({ min: 0, max: 999_999_999 });
const aValue = fc.oneof(
  fc.constant({ kind: { case: "nullValue", value: 0 } }),
  fc.boolean().map((value) => ({ kind: { case: "boolValue", value } })),
  fc.string().map((value) => ({ kind: { case: "stringValue", value } })),
  fc.integer().map((value) => ({ kind: { case: "numberValue", value } })),
  fc.string().map((value) => ({
    kind: { case: "structValue", value: { fields: { a: { kind: { case: "stringValue", value } } } } },
  })),
);

/** Initial values of the types whose content is not free. */
const wellKnown: Readonly<Record<string, Arbitrary<Record<string, unknown>>>> = {
  "google.protobuf.Timestamp": fc.record({ seconds: fc.bigInt({ min: -62135596800n, max: 253402300799n }), nanos }),
  "google.protobuf.Duration": fc.record({ seconds: fc.bigInt({ min: 0n, max: 315575999999n }), nanos }),
  "google.protobuf.FieldMask": fc.record({ paths: fc.array(fc.constantFrom("a", "a_b.c", "deep.er")) }),
  "google.protobuf.Value": aValue,
  "google.protobuf.ListValue": fc.record({ values: fc.array(aValue, { maxLength: 2 }) }),
  "google.protobuf.Any": fc.oneof(
    fc.constant({}),
    fc.uint8Array({ maxLength: 8 }).map((value) => ({ typeUrl: "type.googleapis.com/unknown.Type", value })),
  ),
};
