import { describe, expect, it } from "bun:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { joinBytes } from "#base/join-bytes.ts";
import { bytesField, integerField, ProtoFields, readTextMap } from "./proto-fields.ts";

const number = fc.integer({ min: 1, max: 536_870_911 });

describe("ProtoFields", () => {
  it("reads what the protobuf library writes, and skips what is not asked for", () => {
    fc.assert(
      fc.property(number, fc.maxSafeNat(), fc.string({ unit: "grapheme" }), (field, integer, text) => {
        const writer = new BinaryWriter();
        writer.tag(field, WireType.Varint).uint64(BigInt(integer));
        writer.tag(field, WireType.Bit64).fixed64(7n);
        writer.tag(field, WireType.Bit32).fixed32(7);
        writer.tag(field, WireType.LengthDelimited).string(text);
        const fields = new ProtoFields(writer.finish());
        expect([fields.next(), fields.number, fields.integer()]).toEqual([true, field, integer]);
        expect(() => fields.text()).toThrow("not a protobuf message");
        expect([fields.next(), fields.next(), fields.next()]).toEqual([true, true, true]);
        expect([fields.text(), new TextDecoder().decode(fields.bytes())]).toEqual([text, text]);
        expect(() => fields.integer()).toThrow("not a protobuf message");
        expect(fields.next()).toBe(false);
      }),
    );
  });

  it("refuses bytes that are no protobuf, and nothing worse", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          for (const fields = new ProtoFields(bytes); fields.next();)
            expect(fields.end).toBeLessThanOrEqual(bytes.length);
        } catch (reason) {
          expect([MicroError.is(reason), reason]).toMatchObject([true, { code: "invalid_argument" }]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps to its part of the bytes", () => {
    const inner = bytesField(1, new Uint8Array(100));
    const fields = new ProtoFields(joinBytes([inner, inner]), 0, inner.byteLength - 1);
    expect(() => fields.next()).toThrow("not a protobuf message");
  });
});

describe("bytesField() and integerField()", () => {
  it("write what ProtoFields reads", () => {
    fc.assert(
      fc.property(number, fc.uint8Array({ maxLength: 300 }), fc.maxSafeNat(), (field, bytes, integer) => {
        const fields = new ProtoFields(joinBytes([bytesField(field, bytes), integerField(field, integer)]));
        expect(fields.next()).toBe(true);
        expect(fields.bytes()).toEqual(bytes);
        expect(fields.next()).toBe(integer !== 0);
        if (integer !== 0) expect(fields.integer()).toBe(integer);
      }),
    );
  });
});

describe("readTextMap()", () => {
  it("refuses text that is not UTF-8", () => {
    const entry = bytesField(1, bytesField(1, Uint8Array.of(0xff, 0xfe)));
    expect(() => readTextMap(new ProtoFields(entry), 1)).toThrow("not UTF-8");
  });
});
