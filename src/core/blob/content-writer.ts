import { open, rm, type FileHandle } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** What was written. */
export interface WrittenContent {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A file that is being written, one piece after the other. Small pieces are gathered, so that each costs no system call. */
export class ContentWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #gathered = new Uint8Array(limits.blobPieceBytes);
  #gatheredBytes = 0;
  #sizeBytes = 0;
  #isClosed = false;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Makes the file, which must not exist. */
  static async open(path: string): Promise<ContentWriter> {
    return new ContentWriter(path, await open(path, "wx", 0o600));
  }

  /** Adds a piece; when this resolves the piece may be changed. @throws MicroError `payload_too_large` above `limits.blobBytesMax`. */
  async write(piece: Uint8Array): Promise<void> {
    this.#sizeBytes += piece.length;
    if (this.#sizeBytes > limits.blobBytesMax) {
      throw new MicroError("payload_too_large", `a blob has at most ${limits.blobBytesMax} bytes`);
    }
    if (this.#gatheredBytes + piece.length > this.#gathered.length) await this.#flush();
    if (piece.length > this.#gathered.length) return this.#writeOut(piece);
    this.#gathered.set(piece, this.#gatheredBytes);
    this.#gatheredBytes += piece.length;
  }

  /** Forces the content to disk and closes the file. */
  async finish(): Promise<WrittenContent> {
    await this.#flush();
    await this.#file.datasync();
    await this.#close();
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest("hex") };
  }

  /** Removes the file. Never throws: what stays is removed when the folder is opened the next time. */
  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    await this.#writeOut(bytes);
  }

  /** A system may take a part only, as it does when the disk is nearly full. */
  async #writeOut(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at);
      at += bytesWritten;
    }
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }
}
