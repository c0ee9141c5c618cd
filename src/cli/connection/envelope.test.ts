import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { decodeEnvelopes, encodeEnvelope } from "./envelope.ts";

describe("decodeEnvelopes()", () => {
  it("finds every message however the bytes were cut", async () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(messages, fc.integer({ min: 1, max: 20 }), async (sent, pieceBytes) => {
        const bytes = Buffer.concat(sent.map((message) => encodeEnvelope(message, 2)));
        const received = await Array.fromAsync(decodeEnvelopes(cut(bytes, pieceBytes)));
        expect(received.map(({ message }) => [...message])).toEqual(sent.map((message) => [...message]));
        expect(received.every(({ flags }) => flags === 2)).toBe(true);
      }),
    );
  });

  it("refuses a stream that ends inside a message", () => {
    const cutShort = encodeEnvelope(new Uint8Array(10)).subarray(0, 8);
    expect(Array.fromAsync(decodeEnvelopes(cut(cutShort, 3)))).rejects.toThrow("ended inside a message");
  });
});

async function* cut(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) yield bytes.subarray(offset, offset + pieceBytes);
}
