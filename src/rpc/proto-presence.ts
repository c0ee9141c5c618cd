import type { DescField } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** True for a field that is always there: its default value and its absence are the same. */
export function hasImplicitPresence(field: DescField): boolean {
  return (
    field.presence === FeatureSet_FieldPresence.IMPLICIT || field.fieldKind === "list" || field.fieldKind === "map"
  );
}
