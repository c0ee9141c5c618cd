import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { Value } from "#interface/registry.ts";
import { scalarKind } from "./proto-scalar.ts";
import { wellKnownKind } from "./proto-well-known.ts";

/** Levels of a type tree, the message itself included, as clients of the registry know them. */
const levelsMax = 6;

/**
 * The registry's type tree of a message: fields by their .proto name, kinds as Go spells them, nested messages with their
 * fields down to six levels. Lists and maps name their element and end there.
 */
export function protoValue(desc: DescMessage): Value {
  return messageValue(goName(desc), desc, 1);
}

function messageValue(name: string, desc: DescMessage, level: number): Value {
  const wellKnown = wellKnownKind(desc);
  if (wellKnown !== undefined) return { name, type: wellKnown, values: [] };
  const fields = level < levelsMax ? desc.fields : [];
  return { name, type: goName(desc), values: fields.map((field) => fieldValue(field, level + 1)) };
}

function fieldValue(field: DescField, level: number): Value {
  if (field.fieldKind === "message") return messageValue(field.name, field.message, level);
  const kind = elementKind(field);
  if (field.fieldKind === "list") return { name: field.name, type: `[]${kind}`, values: [] };
  if (field.fieldKind === "map")
    return { name: field.name, type: `map[${scalarKind(field.mapKey)}]${kind}`, values: [] };
  return { name: field.name, type: kind, values: [] };
}

function elementKind(field: DescField): string {
  if (field.message !== undefined) return wellKnownKind(field.message) ?? goName(field.message);
  return field.enum === undefined ? scalarKind(field.scalar) : goName(field.enum);
}

/** Nested types carry the names of what they are nested in. */
function goName(desc: DescMessage | DescEnum): string {
  return desc.parent === undefined ? desc.name : `${goName(desc.parent)}_${desc.name}`;
}
