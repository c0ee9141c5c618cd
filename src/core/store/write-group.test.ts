import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { CheckedChange } from "./check-change.ts";
import { GroupPacker, unpackGroup } from "./write-group.ts";

const bytes = fc.uint8Array({ maxLength: 2_000 });
const count = fc.option(fc.maxSafeNat(), { nil: undefined });
const name = fc.constantFrom("a", "b", "c");
const change: fc.Arbitrary<CheckedChange> = fc.record({
  kind: fc.constantFrom("put", "delete", "check"),
  scope: fc.record({ database: name, table: name }),
  keyText: fc.constant(""),
  key: bytes,
  value: bytes,
  metadata: bytes,
  expiresAtMs: count,
  expectedRevision: count,
});

describe("unpackGroup()", () => {
  it("gives back what GroupPacker took", () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 20 }), (batches) => {
        const packer = new GroupPacker();
        for (const batch of batches) packer.add(batch);
        const { group, bytes } = packer.finish();
        const unpacked = [...unpackGroup(group, bytes)].map((batch) =>
          batch.map(({ scopeIndex, expiresAtMs, ...rest }) => {
            const [database = "", table = ""] = group.scopes[scopeIndex] ?? [];
            return { ...rest, keyText: "", scope: { database, table }, expiresAtMs: expiresAtMs ?? undefined };
          }),
        );
        expect(unpacked).toEqual(batches);
      }),
    );
  });
});
