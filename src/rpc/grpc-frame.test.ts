import { describe, expect, it } from "bun:test";
import * as fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { encodeFrame, FrameDecoder, type Frame } from "./grpc-frame.ts";

const frame = fc.record({ flags: fc.integer({ min: 0, max: 255 }), message: fc.uint8Array({ maxLength: 300 }) });

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let offset = 0, index = 0; offset < bytes.byteLength; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.slice(offset, offset + size));
    offset += size;
  }
  return chunks;
}

function join(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(frames.map((each) => encodeFrame(each.message, each.flags)));
}

function plain(frames: readonly Frame[]): unknown {
  return frames.map((each) => ({ flags: each.flags, message: [...each.message] }));
}

describe("FrameDecoder.push()", () => {
  it("gives back every frame, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (frames, sizes) => {
        const decoder = new FrameDecoder();
        const decoded = cut(join(frames), sizes).flatMap((chunk) => decoder.push(chunk));
        expect(plain(decoded)).toEqual(plain(frames));
        expect(decoder.pendingBytes).toBe(0);
      }),
    );
  });

  it("never fails but with payload_too_large on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const decoder = new FrameDecoder(1_000);
        try {
          for (const chunk of chunks) decoder.push(chunk);
        } catch (reason) {
          expect(MicroError.from(reason).code).toBe("payload_too_large");
        }
      }),
    );
  });

  it("counts the bytes of an unfinished frame", () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(encodeFrame(new Uint8Array(10)).subarray(0, 7))).toEqual([]);
    expect(decoder.pendingBytes).toBe(7);
  });

  it("refuses a length above the limit as soon as the prefix is there", () => {
    const decoder = new FrameDecoder(100);
    expect(() => decoder.push(Uint8Array.of(0, 0, 0, 0, 101))).toThrow("101 bytes is above the limit of 100 bytes");
    expect(() => new FrameDecoder().push(Uint8Array.of(0, 255, 255, 255, 255))).toThrow("4294967295");
  });

  it("leaves earlier messages alone when more bytes arrive", () => {
    const decoder = new FrameDecoder();
    const bytes = join([
      { flags: 0, message: Uint8Array.of(1, 2, 3) },
      { flags: 0, message: Uint8Array.of(4, 5, 6) },
    ]);
    const first = decoder.push(bytes.subarray(0, 4)).concat(decoder.push(bytes.subarray(4, 9)));
    decoder.push(bytes.subarray(9));
    expect([...(first[0]?.message ?? [])]).toEqual([1, 2, 3]);
  });
});
