/** Kinds of frames that are looked at. @see https://www.rfc-editor.org/rfc/rfc9113#section-6 */
export const frameKinds = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const settingIds = { enablePush: 2, streamCountMax: 3, windowBytes: 4, frameBytesMax: 5, headerBytesMax: 6 };

export const errorCodes = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  calm: 11,
} as const;

export const frameHeadBytes = 9;
/** The largest payload that both sides take without having agreed on more. */
export const frameBytesMax = 16_384;
export const windowBytesDefault = 65_535;
export const windowBytesMax = 2 ** 31 - 1;

/** What a client says first. */
export const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export interface FrameHead {
  readonly kind: number;
  readonly flags: number;
  readonly streamId: number;
  readonly bytes: number;
}

/** The head of a frame at the place of a buffer. Returns where its payload begins. */
export function writeFrameHead(target: Buffer, at: number, { kind, flags, streamId, bytes }: FrameHead): number {
  target[at] = bytes >>> 16;
  target[at + 1] = bytes >>> 8;
  target[at + 2] = bytes;
  target[at + 3] = kind;
  target[at + 4] = flags;
  writeNumber(target, at + 5, streamId);
  return at + frameHeadBytes;
}

/** The frames of a block of headers behind which a body follows. @param block a character for each byte. */
export function headerFrames(streamId: number, block: string): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length || at === 0; at += frameBytesMax) {
    const part = block.length <= frameBytesMax ? block : block.slice(at, at + frameBytesMax);
    const frame = Buffer.allocUnsafe(frameHeadBytes + part.length);
    const kind = at === 0 ? frameKinds.headers : frameKinds.continuation;
    const flags = at + part.length === block.length ? frameFlags.endHeaders : 0;
    frame.write(part, writeFrameHead(frame, 0, { kind, flags, streamId, bytes: part.length }), "latin1");
    frames.push(frame);
  }
  return frames;
}

/** A frame whose payload is numbers of four bytes. */
export function numbersFrame(kind: number, streamId: number, ...numbers: readonly number[]): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + 4 * numbers.length);
  let at = writeFrameHead(frame, 0, { kind, flags: 0, streamId, bytes: 4 * numbers.length });
  for (const number of numbers) {
    writeNumber(frame, at, number);
    at += 4;
  }
  return frame;
}

/** SETTINGS by pairs of id and value. */
export function settingsFrame(settings: readonly (readonly [number, number])[]): Buffer {
  const bytes = 6 * settings.length;
  const frame = Buffer.allocUnsafe(frameHeadBytes + bytes);
  let at = writeFrameHead(frame, 0, { kind: frameKinds.settings, flags: 0, streamId: 0, bytes });
  for (const [id, value] of settings) {
    frame.writeUInt16BE(id, at);
    frame.writeUInt32BE(value, at + 2);
    at += 6;
  }
  return frame;
}

/** The answer to a PING or to SETTINGS. */
export function ackFrame(kind: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + payload.byteLength);
  const at = writeFrameHead(frame, 0, { kind, flags: frameFlags.ack, streamId: 0, bytes: payload.byteLength });
  frame.set(payload, at);
  return frame;
}

function writeNumber(target: Buffer, at: number, number: number): void {
  target[at] = number >>> 24;
  target[at + 1] = number >>> 16;
  target[at + 2] = number >>> 8;
  target[at + 3] = number;
}
