import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { toFields, toMetadata } from "./field-metadata.ts";

const text = fc.oneof(fc.string(), fc.constantFrom("string", "\u0001", '\u0001["int64","1"]', "__proto__"));
const field = fc.record({ $typeName: fc.constant("store.Field" as const), type: text, value: text });

describe("toMetadata()", () => {
  it("keeps whatever type and value there are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, field), { maxLength: 5 }), (entries) => {
        const fields = Object.fromEntries(entries);
        expect(Object.entries(toFields(toMetadata(fields)))).toEqual(Object.entries(fields));
      }),
    );
  });

  it("keeps plain text as it is, as other programs wrote it", () => {
    const metadata = { note: "a text", empty: "", odd: "\u0001not json" };
    const values = Object.values(toFields(metadata)).map(({ type, value }) => [type, value]);
    expect(values).toEqual(Object.values(metadata).map((value) => ["string", value]));
  });
});
