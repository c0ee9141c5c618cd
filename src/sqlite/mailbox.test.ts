import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { expectError } from "#conformance/expect-error.ts";
import { Mailbox } from "./mailbox.ts";

describe("Mailbox.take()", () => {
  it("gives what was put in, whatever its size, request by request", () => {
    const near = new Mailbox();
    const far = new Mailbox(near.memory);
    const size = fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 300_000 }));
    fc.assert(
      fc.property(fc.json(), size, fc.nat({ max: 255 }), (json, byteCount, filling) => {
        const head = JSON.parse(json) as unknown;
        const bytes = new Uint8Array(byteCount).fill(filling);
        near.put({ head }, bytes);
        const mail = far.take<{ head: unknown }>();
        expect(mail.head.head).toEqual(head);
        expect(Bun.hash.crc32(mail.bytes)).toBe(Bun.hash.crc32(bytes));
        expect(mail.bytes.byteLength).toBe(byteCount);
      }),
    );
  });
});

describe("Mailbox.put()", () => {
  it("refuses what no memory is kept for", async () => {
    const mailbox = new Mailbox();
    const tooLong = { byteLength: 2 ** 30 } as Uint8Array;
    await expectError(
      Promise.try(() => mailbox.put({}, tooLong)),
      "payload_too_large",
    );
  });
});
