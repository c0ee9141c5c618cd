import { MicroError } from "#base/error.ts";
import { limits, MiB } from "#base/limits.ts";
import type { StoreRecord } from "#interface/store.ts";
import type { Encoding } from "#rpc/server-call.ts";

/** What a record takes beside its key, value and metadata: names or numbers of fields, lengths, expiry, revision. */
const recordBytes = 160;
/** What a piece of metadata takes beside its name and value. */
const fieldBytes = 40;
/** JSON writes bytes as base64. */
const base64Growth = 4 / 3;

/** The room that one answer has for records. What is read beyond it is refused before it fills the memory. */
export class AnswerRoom {
  readonly #growth: number;
  #bytesLeft: number = limits.messageBytesMax;

  constructor(encoding: Encoding) {
    this.#growth = encoding === "json" ? base64Growth : 1;
  }

  /** @throws MicroError `payload_too_large` when the record does not fit any more. */
  take({ key, value, metadata }: StoreRecord): void {
    let bytes = recordBytes + Buffer.byteLength(key) + value.length * this.#growth;
    for (const [name, text] of Object.entries(metadata)) {
      bytes += fieldBytes + Buffer.byteLength(name) + Buffer.byteLength(text);
    }
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft >= 0) return;
    const most = limits.messageBytesMax / MiB;
    throw new MicroError(
      "payload_too_large",
      `these records are more than the ${most} MiB that one answer takes: read them in pages, with limit and after`,
    );
  }
}
