import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  OneofDescriptorProtoSchema,
  type DescriptorProto,
  type FieldDescriptorProto,
} from "@bufbuild/protobuf/wkt";

const imports = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

const scalars = {
  double: FieldDescriptorProto_Type.DOUBLE,
  float: FieldDescriptorProto_Type.FLOAT,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  int32: FieldDescriptorProto_Type.INT32,
  fixed64: FieldDescriptorProto_Type.FIXED64,
  fixed32: FieldDescriptorProto_Type.FIXED32,
  bool: FieldDescriptorProto_Type.BOOL,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  uint32: FieldDescriptorProto_Type.UINT32,
  sfixed32: FieldDescriptorProto_Type.SFIXED32,
  sfixed64: FieldDescriptorProto_Type.SFIXED64,
  sint32: FieldDescriptorProto_Type.SINT32,
  sint64: FieldDescriptorProto_Type.SINT64,
} as const;

type Scalar = keyof typeof scalars;
const scalarNames = Object.keys(scalars) as Scalar[];
const mapKeys = ["int64", "uint64", "int32", "bool", "string", "sint64", "fixed32"] as const satisfies Scalar[];
const messages = [
  ".all.Kinds",
  ".all.Kinds.Inner",
  ".google.protobuf.Timestamp",
  ".google.protobuf.Duration",
  ".google.protobuf.FieldMask",
  ".google.protobuf.Struct",
  ".google.protobuf.Value",
  ".google.protobuf.ListValue",
  ".google.protobuf.Any",
  ".google.protobuf.Int64Value",
  ".google.protobuf.BytesValue",
  ".google.protobuf.BoolValue",
] as const;

/**
 * A message with a field of every kind that proto3 has: each scalar, an enum and each message type, alone, optional, in a
 * list, in a map and in a oneof; with itself inside.
 */
export function allKinds(): DescMessage {
  const message = create(DescriptorProtoSchema, {
    name: "Kinds",
    oneofDecl: [{ name: "choice" }],
    enumType: [
      {
        name: "Color",
        value: [
          { name: "RED", number: 0 },
          { name: "BLUE", number: 7 },
        ],
      },
    ],
    nestedType: [{ name: "Inner", field: [field({ name: "inner_text", number: 1, ...scalarOf("string") })] }],
  });
  addFields(message);
  const file = create(FileDescriptorProtoSchema, {
    name: "all/kinds.proto",
    package: "all",
    syntax: "proto3",
    dependency: imports.map((each) => each.proto.name),
    messageType: [message],
  });
  const registry = createFileRegistry(file, (name) => imports.find((each) => each.proto.name === name));
  const desc = registry.getMessage("all.Kinds");
  if (desc === undefined) throw new Error("the descriptor does not hold its message");
  return desc;
}

type Kind = Pick<FieldDescriptorProto, "type" | "typeName">;

function addFields(message: DescriptorProto): void {
  let number = 0;
  const kinds = [
    ...scalarNames.map((name) => [name, scalarOf(name)] as const),
    ["color", { type: FieldDescriptorProto_Type.ENUM, typeName: ".all.Kinds.Color" }] as const,
    ...messages.map((typeName) => [nameOf(typeName), { type: FieldDescriptorProto_Type.MESSAGE, typeName }] as const),
  ];
  for (const [name, kind] of kinds) {
    message.field.push(field({ name: `one_${name}`, number: (number += 1), ...kind }));
    message.field.push(field({ name: `list_${name}`, number: (number += 1), ...kind, isList: true }));
    message.field.push(field({ name: `choice_${name}`, number: (number += 1), ...kind, oneofIndex: 0 }));
    addMap(message, { name: `map_${name}`, number: (number += 1), key: "string", kind });
    if (kind.type === FieldDescriptorProto_Type.MESSAGE) continue;
    // An optional field is alone in a oneof that only the descriptor sees.
    message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name: `_optional_${name}` }));
    const oneofIndex = message.oneofDecl.length - 1;
    message.field.push(
      field({ name: `optional_${name}`, number: (number += 1), ...kind, oneofIndex, isOptional: true }),
    );
  }
  for (const key of mapKeys)
    addMap(message, { name: `by_${key}`, number: (number += 1), key, kind: scalarOf("string") });
}

function addMap(message: DescriptorProto, map: { name: string; number: number; key: Scalar; kind: Kind }): void {
  const entry = `${map.name.replace(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}Entry`;
  message.nestedType.push(
    create(DescriptorProtoSchema, {
      name: entry,
      options: { mapEntry: true },
      field: [
        field({ name: "key", number: 1, ...scalarOf(map.key) }),
        field({ name: "value", number: 2, ...map.kind }),
      ],
    }),
  );
  const kind = { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.all.Kinds.${entry}` };
  message.field.push(field({ name: map.name, number: map.number, ...kind, isList: true }));
}

function field(
  init: Kind & { name: string; number: number; isList?: boolean; isOptional?: boolean; oneofIndex?: number },
): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, {
    name: init.name,
    number: init.number,
    type: init.type,
    typeName: init.typeName,
    label: init.isList === true ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    proto3Optional: init.isOptional ?? false,
    ...(init.oneofIndex === undefined ? {} : { oneofIndex: init.oneofIndex }),
  });
}

function scalarOf(name: Scalar): Kind {
  return { type: scalars[name], typeName: "" };
}

function nameOf(typeName: string): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1).toLowerCase();
}
