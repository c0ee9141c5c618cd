import { createReadStream } from "node:fs";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { limits } from "#base/limits.ts";
import { SerialQueue } from "./serial-queue.ts";

/** What a build says, in a file of its own that is kept when it fails. */
export class BuildLog {
  readonly path: string;
  readonly #turns = new SerialQueue();
  #sizeBytes = 0;
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(path: string) {
    this.path = path;
  }

  /** Begins anew. */
  async open(): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await writeFile(this.path, "", { mode: 0o600 });
  }

  /** Adds lines; those above the size of a log are left out. Never throws: a build is not stopped for its log. */
  append(lines: readonly string[]): Promise<void> {
    return this.#turns.run(async () => {
      if (lines.length === 0 || this.#sizeBytes > limits.buildLogBytesMax) return;
      const text = lines.map((line) => `${line}\n`).join("");
      this.#sizeBytes += Buffer.byteLength(text);
      const isFull = this.#sizeBytes > limits.buildLogBytesMax;
      await appendFile(this.path, isFull ? "the log is full; the rest is left out\n" : text).catch(() => undefined);
      this.#tell();
    });
  }

  /** No more will come: who follows has read all. */
  async close(): Promise<void> {
    await this.#turns.idle();
    this.#isClosed = true;
    this.#tell();
  }

  /** What was said, and what comes until the build ends or the reader leaves. */
  async *follow(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const left = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    for (let start = 0; !signal.aborted;) {
      const changed = this.#changed.promise;
      const isLast = this.#isClosed;
      for await (const chunk of readFrom(this.path, start)) {
        start += chunk.byteLength;
        yield chunk;
      }
      if (isLast) return;
      await Promise.race([changed, left]);
    }
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** A file from a place on, in pieces; nothing where there is no file. */
export async function* readFrom(path: string, start = 0): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { start })) if (chunk instanceof Uint8Array) yield chunk;
  } catch (reason) {
    if (!(reason instanceof Error) || !("code" in reason) || reason.code !== "ENOENT") throw reason;
  }
}
