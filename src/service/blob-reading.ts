import { MicroError } from "#base/error.ts";
import type { BlobInfo as WireInfo, BlobReadResponse } from "#gen/store/store_pb.ts";
import type { BlobContent, BlobInfo } from "#interface/blob.ts";

/** A blob that is being read. Read it to the end, or leave it: until then it holds a stream to the server. */
export interface BlobReading extends BlobContent {
  /** All that is left of it, in memory. */
  bytes(): Promise<Uint8Array>;
  /** The same as text, from UTF-8. */
  text(): Promise<string>;
}

/**
 * The answers of `BlobStore.Read`, the first of which has come.
 *
 * @throws MicroError `bad_gateway` when it does not say what the blob is.
 */
export function toReading(first: BlobReadResponse, rest: AsyncIterator<BlobReadResponse>): BlobReading {
  const info = toBlobInfo(first.info);
  const content = new BlobPieces(first.blob, rest);
  const bytes = (): Promise<Uint8Array> => collect(content);
  return { info, content, bytes, text: async () => new TextDecoder().decode(await bytes()) };
}

/** What is known of a blob, from the wire. @throws MicroError `bad_gateway` when nothing was said. */
export function toBlobInfo(info: WireInfo | undefined): BlobInfo {
  if (info === undefined)
    throw new MicroError("bad_gateway", "the store did not say what the blob is", { at: "store" });
  return {
    key: info.key,
    sizeBytes: Number(info.size),
    contentType: info.contentType,
    isPublic: info.public,
    sha256: info.sha256,
    modifiedAtMs: Number(info.modifiedMs),
  };
}

/** Leaving it before its first piece ends the call too, which a generator would not notice. */
class BlobPieces implements AsyncIterableIterator<Uint8Array> {
  #first: Uint8Array | undefined;
  readonly #rest: AsyncIterator<BlobReadResponse>;

  constructor(first: Uint8Array, rest: AsyncIterator<BlobReadResponse>) {
    this.#first = first;
    this.#rest = rest;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && first.length > 0) return { done: false, value: first };
    const next = await this.#rest.next();
    return next.done === true ? { done: true, value: undefined } : { done: false, value: next.value.blob };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#first = undefined;
    await this.#rest.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    all.push(piece);
    length += piece.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
