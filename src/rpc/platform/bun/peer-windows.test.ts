import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { PeerWindows } from "./peer-windows.ts";

const initialBytes = 65_535;

function frame(kind: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(9 + payload.byteLength);
  bytes.writeUIntBE(payload.byteLength, 0, 3);
  bytes.writeUInt8(kind, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

function update(stream: number, bytes: number): Uint8Array {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(8, 0, stream, payload);
}

function settings(...pairs: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(4, 0, 0, payload);
}

/** What Bun is given for these bytes. */
function read(windows: PeerWindows, ...chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat(chunks.flatMap((chunk) => [...windows.read(chunk)]));
}

/** What a peer may do on one stream: raise the initial size by so much, or give it so much. */
const step = fc.record({ kind: fc.constantFrom("raise", "give"), bytes: fc.integer({ min: 1, max: 100_000 }) });

describe("PeerWindows", () => {
  it("passes on what is no concern of it, as it comes", () => {
    const windows = new PeerWindows(24);
    const chunk = Buffer.concat([Buffer.alloc(24, 0x50), settings([3, 100]), frame(0, 1, 1, Buffer.alloc(100))]);
    expect(windows.read(chunk)).toEqual([chunk]);
    expect(windows.read(chunk.subarray(0, 0))).toEqual([new Uint8Array(0)]);
  });

  it("adds nothing for a stream that was given nothing, and nothing for one that is over", () => {
    const windows = new PeerWindows(0);
    windows.begin(1);
    windows.begin(3);
    const given = update(3, 1_000);
    expect(read(windows, given)).toEqual(Buffer.from(given));
    windows.end(3);
    const late = update(3, 1_000);
    const raised = settings([4, 100_000]);
    expect(read(windows, late, raised)).toEqual(Buffer.concat([late, raised]));
  });

  it("takes the last of several sizes in one frame, and none that HTTP/2 does not allow", () => {
    const windows = new PeerWindows(0);
    const given = update(1, 100_000);
    const raised = settings([4, 1], [4, initialBytes + 5], [5, 20_000]);
    expect(read(windows, given, raised)).toEqual(Buffer.concat([given, raised, update(1, 5)]));
    const tooMuch = settings([4, 0xffff_ffff]);
    expect(read(windows, tooMuch)).toEqual(Buffer.from(tooMuch));
  });

  it("makes Bun's sum that of HTTP/2, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (steps, cut) => {
        const windows = new PeerWindows(24);
        windows.begin(1);
        let due = initialBytes;
        let initial = initialBytes;
        const sent = [Buffer.alloc(24)];
        for (const { kind, bytes } of steps) {
          due += bytes;
          if (kind === "raise") initial += bytes;
          sent.push(Buffer.from(kind === "raise" ? settings([4, initial]) : update(1, bytes)));
        }
        const all = Buffer.concat(sent);
        const chunks = Array.from({ length: Math.ceil(all.byteLength / cut) }, (_, index) =>
          all.subarray(index * cut, (index + 1) * cut),
        );
        expect(bookedBy(read(windows, ...chunks).subarray(24))).toBe(due);
      }),
    );
  });
});

/** What stream 1 may send in Bun's books, where a raised initial size counts as a sum. */
function bookedBy(frames: Buffer): number {
  let booked = initialBytes;
  for (let at = 0; at < frames.byteLength; at += 9 + frames.readUIntBE(at, 3)) {
    if (frames[at + 3] === 4) booked = Math.max(booked, frames.readUInt32BE(at + 11));
    else booked += frames.readUInt32BE(at + 9);
  }
  return booked;
}
