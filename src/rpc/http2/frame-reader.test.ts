import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { FrameReader } from "./frame-reader.ts";
import { frameBytesMax, frameHeadBytes, writeFrameHead } from "./frames.ts";
import { Http2ProtocolError } from "./protocol-error.ts";

function frame(kind: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameHeadBytes + payload.byteLength);
  bytes.set(payload, writeFrameHead(bytes, 0, { kind, flags: 5, streamId, bytes: payload.byteLength }));
  return bytes;
}

/** What is read of bytes that come in parts of the given lengths; the last takes what is left. */
function read(bytes: Buffer, cuts: readonly number[]): unknown[] {
  const seen: unknown[] = [];
  const reader = new FrameReader({ onFrame: (head, payload) => seen.push([head, payload.toString("hex")]) });
  let rest = bytes;
  for (const cut of cuts) {
    reader.push(Buffer.from(rest.subarray(0, cut)));
    rest = rest.subarray(cut);
  }
  reader.push(rest);
  return seen;
}

describe("FrameReader.push()", () => {
  it("reads the same frames whatever the parts in which they arrive", () => {
    const frames = fc.array(fc.tuple(fc.nat(255), fc.nat(2 ** 31 - 1), fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(frames, fc.array(fc.nat(30)), (list, cuts) => {
        const bytes = Buffer.concat(list.map(([kind, streamId, payload]) => frame(kind, streamId, payload)));
        const expected = list.map(([kind, streamId, payload]) => [
          { kind, flags: 5, streamId, bytes: payload.byteLength },
          Buffer.from(payload).toString("hex"),
        ]);
        expect(read(bytes, cuts)).toEqual(expected);
      }),
    );
  });

  it("refuses a frame larger than was agreed, as soon as its head is there", () => {
    const head = Buffer.alloc(frameHeadBytes);
    writeFrameHead(head, 0, { kind: 0, flags: 0, streamId: 1, bytes: frameBytesMax + 1 });
    for (const cuts of [[], [1, 1, 5], [8]]) expect(() => read(head, cuts)).toThrow(Http2ProtocolError);
  });
});
