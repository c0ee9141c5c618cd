/** What a client says first. */
export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
};
/** Flags of HEADERS and CONTINUATION. */
export const endHeaders = 4;
export const endStream = 1;

/** One frame of HTTP/2 as its bytes, whether it makes sense or not. */
export function frame(kind: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header without compression and without a place in the table. */
export function header(name: string, value: string): Buffer {
  const length = (text: string): number[] => {
    const size = Buffer.byteLength(text);
    if (size < 127) return [size];
    const bytes = [127];
    for (let rest = size - 127; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return [...bytes, rest];
      bytes.push((rest % 128) + 128);
    }
  };
  return Buffer.from([0, ...length(name), ...Buffer.from(name), ...length(value), ...Buffer.from(value)]);
}

/** Frames of a connection taken apart, however it is cut. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  /** The frames that are whole with these bytes. */
  read(chunk: Uint8Array): readonly { kind: number; flags: number; stream: number; length: number }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames = [];
    while (this.#rest.byteLength >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.byteLength < 9 + length) break;
      const [, , , kind = 0, flags = 0] = this.#rest;
      frames.push({ kind, flags, stream: this.#rest.readUInt32BE(5), length });
      this.#rest = this.#rest.subarray(9 + length);
    }
    return frames;
  }
}

/** A WINDOW_UPDATE, of stream 0 for the connection. */
export function windowUpdate(stream: number, bytes: number): Buffer {
  return frame(frameType.window, 0, stream, number32(bytes));
}

/** SETTINGS with one setting. */
export function setting(id: number, value: number): Buffer {
  return frame(frameType.settings, 0, 0, Buffer.concat([Buffer.from([0, id]), number32(value)]));
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
