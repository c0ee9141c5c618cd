import type { FileHandle } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BlobInfo } from "#interface/blob.ts";
import { fromDiskError } from "./disk-error.ts";

/** What is read of which file. */
export interface ContentPart {
  readonly file: FileHandle;
  readonly path: string;
  /** What was written there. */
  readonly info: BlobInfo;
  readonly from: number;
  /** The first byte that is not read. */
  readonly to: number;
}

/**
 * The pieces of a content file. It is open until they are read or the reader leaves; that is why this is no bare
 * generator, which would not notice a reader that leaves before the first piece.
 */
export class ContentReader implements AsyncIterableIterator<Uint8Array> {
  readonly #file: FileHandle;
  readonly #pieces: AsyncGenerator<Uint8Array, undefined>;

  constructor(part: ContentPart) {
    this.#file = part.file;
    this.#pieces = readPieces(part);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#pieces.next();
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#pieces.return(undefined);
    await this.#file.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Nothing is handed out as the last piece before the whole was found to be what was written. */
async function* readPieces(part: ContentPart): AsyncGenerator<Uint8Array, undefined> {
  const { file, path, info, from, to } = part;
  const isWhole = from === 0 && to === info.sizeBytes;
  const hash = isWhole ? new Bun.CryptoHasher("sha256") : undefined;
  try {
    // A file of another size is damaged, whichever part of it is asked for.
    const { size } = await file.stat();
    if (size !== info.sizeBytes) throw damaged(part, `it has ${size} bytes instead of ${info.sizeBytes}`);
    let held: Uint8Array | undefined;
    for (let at = from; at < to; at += held.length) {
      if (held !== undefined) yield held;
      held = await readPiece(part, at);
      hash?.update(held);
    }
    if (hash !== undefined && hash.digest("hex") !== info.sha256) throw damaged(part, "its checksum is another");
    if (held !== undefined) yield held;
    return undefined;
  } catch (reason) {
    throw fromDiskError(reason, path);
  } finally {
    await file.close();
  }
}

async function readPiece(part: ContentPart, at: number): Promise<Uint8Array> {
  const piece = new Uint8Array(Math.min(limits.blobPieceBytes, part.to - at));
  const { bytesRead } = await part.file.read(piece, 0, piece.length, at);
  if (bytesRead === 0) throw damaged(part, `it ends after ${at} bytes`);
  return bytesRead === piece.length ? piece : piece.subarray(0, bytesRead);
}

function damaged({ info, path }: ContentPart, what: string): MicroError {
  const detail = `the content of blob ${JSON.stringify(info.key)} in ${path} is damaged (${what}): restore it from a backup; nothing was changed`;
  return new MicroError("internal", detail, { at: "store.Blob" });
}
