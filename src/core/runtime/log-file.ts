import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { limits } from "#base/limits.ts";

const newline = 0x0a;

/** A log file as it was at one moment: `sizeBytes` of it are whole lines. */
export interface LogPart {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/**
 * A file that grows at its end and starts anew when it is full; one full one is kept as `PATH.1`. Not safe for use by two
 * at a time: its owner takes turns.
 */
export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #open: { readonly handle: FileHandle; sizeBytes: number } | undefined;

  constructor(path: string, bytesMax: number = limits.logFileBytesMax) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  async append(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    let file = await this.#opened();
    if (file.sizeBytes > 0 && file.sizeBytes + bytes.byteLength > this.#bytesMax) {
      await this.close();
      await rename(this.#path, `${this.#path}.1`);
      file = await this.#opened();
    }
    for (let at = 0; at < bytes.byteLength;) {
      const { bytesWritten } = await file.handle.write(bytes, at);
      at += bytesWritten;
      file.sizeBytes += bytesWritten;
    }
  }

  /** The files as they are now, the older one first. The caller closes them. */
  async parts(): Promise<readonly LogPart[]> {
    const parts = await Promise.all([`${this.#path}.1`, this.#path].map(openPart));
    return parts.flatMap((part) => part ?? []);
  }

  async close(): Promise<void> {
    const file = this.#open;
    this.#open = undefined;
    await file?.handle.close();
  }

  /** Closes and removes both files. */
  async remove(): Promise<void> {
    await this.close();
    await Promise.all([`${this.#path}.1`, this.#path].map((path) => rm(path, { force: true })));
  }

  async #opened(): Promise<{ readonly handle: FileHandle; sizeBytes: number }> {
    if (this.#open !== undefined) return this.#open;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const handle = await open(this.#path, "a+", 0o600);
    this.#open = { handle, sizeBytes: (await handle.stat()).size };
    await endLastLine(this.#open);
    return this.#open;
  }
}

/** What a killed server left in the middle of a line becomes a line of its own, so that the next one is whole. */
async function endLastLine(file: { readonly handle: FileHandle; sizeBytes: number }): Promise<void> {
  if (file.sizeBytes === 0) return;
  const last = new Uint8Array(1);
  await file.handle.read(last, 0, 1, file.sizeBytes - 1);
  if (last[0] !== newline) file.sizeBytes += (await file.handle.write("\n")).bytesWritten;
}

async function openPart(path: string): Promise<LogPart | undefined> {
  try {
    const handle = await open(path, "r");
    return { handle, sizeBytes: (await handle.stat()).size };
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return undefined;
    throw reason;
  }
}
