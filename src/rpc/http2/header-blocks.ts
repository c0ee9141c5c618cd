import { errorCodes, frameFlags, frameKinds, type FrameHead } from "./frames.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { Http2ProtocolError } from "./protocol-error.ts";

/** Headers of a stream. */
export interface ReceivedHeaders {
  readonly streamId: number;
  readonly headers: Readonly<Record<string, string>>;
  /** True where nothing follows. */
  readonly isEnd: boolean;
}

/** A block whose end has not come. */
interface OpenBlock {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/** Puts HEADERS and their CONTINUATION together, and reads them. */
export class HeaderBlocks {
  readonly #bytesMax: number;
  readonly #decoder: HpackDecoder;
  #open: OpenBlock | undefined;

  /** @param bytesMax what the headers of one answer may count. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#decoder = new HpackDecoder(bytesMax);
  }

  /** Refuses what may not come in the middle of a block. @throws Http2ProtocolError */
  check({ kind, streamId }: FrameHead): void {
    const isContinuation = kind === frameKinds.continuation;
    if (isContinuation !== (this.#open !== undefined) || (isContinuation && streamId !== this.#open?.streamId)) {
      throw new Http2ProtocolError(errorCodes.protocol, "headers do not continue as they should");
    }
  }

  /** Takes HEADERS or CONTINUATION. Undefined until the block is whole. @throws Http2ProtocolError */
  take({ kind, flags, streamId }: FrameHead, payload: Buffer): ReceivedHeaders | undefined {
    const isEnd = (flags & frameFlags.endStream) !== 0;
    const isWhole = (flags & frameFlags.endHeaders) !== 0;
    const fragment = kind === frameKinds.headers ? unwrap(flags, payload) : payload;
    if (isWhole && this.#open === undefined) return { streamId, headers: this.#decoder.decode(fragment), isEnd };
    this.#open ??= { streamId, isEnd, parts: [], bytes: 0 };
    const open = this.#open;
    // Copied: what comes in many small frames would each hold the whole that it came with.
    open.parts.push(Buffer.from(fragment));
    open.bytes += fragment.byteLength;
    if (open.bytes > this.#bytesMax) throw new Http2ProtocolError(errorCodes.calm, "the headers are too long");
    if (!isWhole) return undefined;
    this.#open = undefined;
    return { streamId, headers: this.#decoder.decode(Buffer.concat(open.parts)), isEnd: open.isEnd };
  }
}

/** What a frame carries without its padding. @throws Http2ProtocolError for more padding than there is. */
export function unpad(flags: number, payload: Buffer): Buffer {
  if ((flags & frameFlags.padded) === 0) return payload;
  const end = payload.byteLength - (payload[0] ?? 0);
  if (end < 1) throw new Http2ProtocolError(errorCodes.protocol, "a frame has more padding than bytes");
  return payload.subarray(1, end);
}

const priorityBytes = 5;

function unwrap(flags: number, payload: Buffer): Buffer {
  const content = unpad(flags, payload);
  if ((flags & frameFlags.priority) === 0) return content;
  if (content.byteLength < priorityBytes) throw new Http2ProtocolError(errorCodes.frameSize, "a frame is too short");
  return content.subarray(priorityBytes);
}
