import { mkdir, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { limits } from "#base/limits.ts";
import { SerialQueue } from "./serial-queue.ts";

const newline = 0x0a;
/** A line begins with its time, which is so long. */
const timeLength = "2026-01-31T12:00:00.000Z".length;

/** How much of a log is kept. */
export interface LogRetention {
  /** All files of one log together. @default limits.logBytesMax */
  readonly bytesMax?: number;
  /** What was written longer ago goes, in milliseconds. @default limits.logAgeMaxMs */
  readonly ageMaxMs?: number;
}

/** A place in a log. Files are counted on when a new one begins; those of an earlier process have numbers below zero. */
export interface LogPlace {
  readonly file: number;
  readonly offset: number;
}

/** A file as it was at one moment: `sizeBytes` of it are whole lines. */
export interface LogPart {
  readonly file: number;
  readonly sizeBytes: number;
  /** When its last line was written, milliseconds since the epoch. */
  readonly writtenAtMs: number;
}

/**
 * Files that a log is kept in: `PATH` grows at its end, and when it is full or old a new one begins; the ones before are
 * `PATH.1`, `PATH.2` and so on. Nobody who reads holds a file open between two reads, so readers may be slow or many.
 */
export class LogFile {
  readonly #path: string;
  readonly #fileBytesMax: number;
  readonly #ageMaxMs: number;
  readonly #turns = new SerialQueue();
  readonly #waiting = new Set<() => void>();
  #open: { readonly handle: FileHandle; sizeBytes: number; firstAtMs: number } | undefined;
  #current = 0;
  #version = 0;
  #isClosed = false;

  constructor(path: string, { bytesMax = limits.logBytesMax, ageMaxMs = limits.logAgeMaxMs }: LogRetention = {}) {
    this.#path = path;
    this.#fileBytesMax = Math.floor(bytesMax / limits.logFileCount);
    this.#ageMaxMs = ageMaxMs;
  }

  /** Number of the file that grows. */
  get current(): number {
    return this.#current;
  }

  /** Another one after every append. */
  get version(): number {
    return this.#version;
  }

  /** True when nothing more comes. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Appends whole lines. @throws what the disk says; the next append begins a line of its own. */
  append(text: string, nowMs: number): Promise<void> {
    return this.#turns.run(async () => {
      this.#isClosed = false;
      const bytes = new TextEncoder().encode(text);
      try {
        let file = await this.#opened(nowMs);
        if (
          file.sizeBytes > 0 &&
          (file.sizeBytes + bytes.byteLength > this.#fileBytesMax || this.#isOld(file, nowMs))
        ) {
          await this.#beginNext();
          file = await this.#opened(nowMs);
        }
        for (let at = 0; at < bytes.byteLength;) {
          const { bytesWritten } = await file.handle.write(bytes, at);
          at += bytesWritten;
          file.sizeBytes += bytesWritten;
        }
      } catch (reason) {
        await this.#closeHandle();
        throw reason;
      } finally {
        this.#tellWaiting();
      }
    });
  }

  /** The files as they are now, the oldest first. */
  parts(): Promise<readonly LogPart[]> {
    return this.#turns.run(async () => {
      const parts: LogPart[] = [];
      for (let index = limits.logFileCount - 1; index >= 0; index -= 1) {
        const found = await unlessMissing(stat(this.#pathOf(index)));
        if (found === undefined) continue;
        parts.push({ file: this.#current - index, sizeBytes: found.size, writtenAtMs: found.mtimeMs });
      }
      return parts;
    });
  }

  /** Up to `length` bytes from a place on; none at the end; undefined when the file is not kept any more. */
  async readBlock({ file, offset }: LogPlace, length: number): Promise<Uint8Array | undefined> {
    // Opened in turn, because files change their names; read when others go on.
    const handle = await this.#turns.run(() => unlessMissing(open(this.#pathOf(this.#current - file), "r")));
    if (handle === undefined) return file === this.#current ? new Uint8Array(0) : undefined;
    try {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** Resolves when something was appended since `version` was read, when the log is closed or `signal` aborts. */
  changedSince(version: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#version !== version || this.#isClosed || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#waiting.delete(finish);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      this.#waiting.add(finish);
      signal?.addEventListener("abort", finish, { once: true });
    });
  }

  /** Removes files whose last line is too old. */
  removeOld(nowMs: number): Promise<void> {
    return this.#turns.run(async () => {
      for (let index = limits.logFileCount - 1; index >= 0; index -= 1) {
        const found = await unlessMissing(stat(this.#pathOf(index)));
        if (found === undefined || found.mtimeMs > nowMs - this.#ageMaxMs) continue;
        if (index === 0) await this.#beginNext();
        await rm(this.#pathOf(index === 0 ? 1 : index), { force: true });
      }
    });
  }

  /** Those who wait for more hear that there is none. What is appended later opens it again. */
  close(): Promise<void> {
    return this.#turns.run(async () => {
      this.#isClosed = true;
      this.#tellWaiting();
      await this.#closeHandle();
    });
  }

  /** Closes and removes all files. */
  async remove(): Promise<void> {
    await this.close();
    await this.#turns.run(async () => {
      for (let index = 0; index < limits.logFileCount; index += 1) await rm(this.#pathOf(index), { force: true });
    });
  }

  #pathOf(index: number): string {
    return index === 0 ? this.#path : `${this.#path}.${index}`;
  }

  /** No file spans more than its share of the time that lines are kept, so that they can go when that is over. */
  #isOld({ firstAtMs }: { readonly firstAtMs: number }, nowMs: number): boolean {
    return nowMs - firstAtMs >= this.#ageMaxMs / limits.logFileCount;
  }

  async #beginNext(): Promise<void> {
    await this.#closeHandle();
    for (let index = limits.logFileCount - 2; index >= 0; index -= 1) {
      await unlessMissing(rename(this.#pathOf(index), this.#pathOf(index + 1)));
    }
    this.#current += 1;
  }

  async #opened(nowMs: number): Promise<{ readonly handle: FileHandle; sizeBytes: number; firstAtMs: number }> {
    if (this.#open !== undefined) return this.#open;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const handle = await open(this.#path, "a+", 0o600);
    const file = { handle, sizeBytes: (await handle.stat()).size, firstAtMs: nowMs };
    this.#open = file;
    if (file.sizeBytes > 0) {
      file.firstAtMs = await readFirstTime(handle, nowMs);
      await endLastLine(file);
    }
    return file;
  }

  #tellWaiting(): void {
    this.#version += 1;
    for (const tell of this.#waiting) tell();
  }

  async #closeHandle(): Promise<void> {
    const file = this.#open;
    this.#open = undefined;
    await file?.handle.close();
  }
}

async function readFirstTime(handle: FileHandle, otherwiseMs: number): Promise<number> {
  const { buffer } = await handle.read(new Uint8Array(timeLength), 0, timeLength, 0);
  const timeMs = Date.parse(new TextDecoder().decode(buffer));
  return Number.isNaN(timeMs) ? otherwiseMs : timeMs;
}

/** What a killed server left in the middle of a line becomes a line of its own, so that the next one is whole. */
async function endLastLine(file: { readonly handle: FileHandle; sizeBytes: number }): Promise<void> {
  const last = new Uint8Array(1);
  await file.handle.read(last, 0, 1, file.sizeBytes - 1);
  if (last[0] !== newline) file.sizeBytes += (await file.handle.write("\n")).bytesWritten;
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return undefined;
    throw reason;
  }
}
