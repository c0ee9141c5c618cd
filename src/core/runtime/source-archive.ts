import { createHash } from "node:crypto";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { ByteReader } from "#base/byte-reader.ts";
import { cleanSourcePath } from "./source-path.ts";
import { readTar, type TarEntry } from "#base/tar-reader.ts";

/** What one source may hold. */
export interface SourceLimits {
  readonly packedBytesMax: number;
  readonly unpackedBytesMax: number;
  readonly fileCountMax: number;
}

/** One file of a source. */
export interface SourceFile {
  readonly path: string;
  /** Of its content, in hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

const defaultLimits: SourceLimits = {
  packedBytesMax: limits.sourceBytesMax,
  unpackedBytesMax: limits.sourceUnpackedBytesMax,
  fileCountMax: limits.sourceFileCountMax,
};

/**
 * Unpacks a tar archive (gzip allowed) into an empty folder and says what was in it. Only files and folders come out,
 * never outside of the folder, and readable by their owner alone; files cannot be written to, because sources are shared.
 *
 * The caller removes the folder when this fails.
 *
 * @throws MicroError `invalid_argument` for a damaged archive, links, devices, names that lead out or come twice;
 * `payload_too_large` above a limit.
 */
export async function unpackSource(
  chunks: AsyncIterable<Uint8Array>,
  folder: string,
  sourceLimits: SourceLimits = defaultLimits,
): Promise<readonly SourceFile[]> {
  const reader = new ByteReader(limitBytes(await gunzipped(chunks, sourceLimits), sourceLimits));
  const unpacking = new Unpacking(folder, sourceLimits);
  for await (const entry of readTar(reader)) await unpacking.add(entry);
  await reader.drain();
  return unpacking.files;
}

/**
 * Adds files to a folder that an archive was unpacked into.
 *
 * @returns those that were added
 * @throws MicroError as {@link unpackSource} does.
 */
export async function addToSource(entries: AsyncIterable<TarEntry>, folder: string): Promise<readonly SourceFile[]> {
  const unpacking = new Unpacking(folder, defaultLimits);
  for await (const entry of entries) await unpacking.add(entry);
  return unpacking.files;
}

class Unpacking {
  readonly files: SourceFile[] = [];
  readonly #folder: string;
  readonly #limits: SourceLimits;
  readonly #madeFolders = new Set([""]);
  #entryCount = 0;

  constructor(folder: string, sourceLimits: SourceLimits) {
    this.#folder = folder;
    this.#limits = sourceLimits;
  }

  async add(entry: TarEntry): Promise<void> {
    this.#entryCount += 1;
    if (this.#entryCount > this.#limits.fileCountMax) {
      throw new MicroError("payload_too_large", `the source holds more than ${this.#limits.fileCountMax} files`);
    }
    if (entry.kind === "other") {
      throw new MicroError("invalid_argument", `the source holds ${entry.name}, which is neither a file nor a folder`);
    }
    const path = cleanSourcePath(entry.name);
    if (entry.kind === "folder") return this.#makeFolder(path);
    if (path === "") throw new MicroError("invalid_argument", "the source holds a file without a name");
    await this.#makeFolder(dirname(path) === "." ? "" : dirname(path));
    this.files.push(await this.#writeFile(path, entry));
  }

  async #makeFolder(path: string): Promise<void> {
    if (this.#madeFolders.has(path)) return;
    try {
      await mkdir(`${this.#folder}/${path}`, { recursive: true, mode: 0o700 });
    } catch (reason) {
      throw namedTwice(reason, path);
    }
    this.#madeFolders.add(path);
  }

  /** Opened exclusively: a second file of one name is refused, and nothing that lies there is ever followed. */
  async #writeFile(path: string, entry: TarEntry): Promise<SourceFile> {
    const handle = await open(`${this.#folder}/${path}`, "wx", entry.isExecutable ? 0o500 : 0o400).catch(
      (reason: unknown) => {
        throw namedTwice(reason, path);
      },
    );
    try {
      const hash = createHash("sha256");
      for await (const piece of entry.content) {
        hash.update(piece);
        await writeAll(handle, piece);
      }
      return { path, sha256: hash.digest("hex"), sizeBytes: entry.sizeBytes, isExecutable: entry.isExecutable };
    } finally {
      await handle.close();
    }
  }
}

/** The packed bytes as they are, or unpacked when they begin as gzip does. */
async function gunzipped(
  chunks: AsyncIterable<Uint8Array>,
  { packedBytesMax }: SourceLimits,
): Promise<AsyncIterable<Uint8Array>> {
  const packed = limitPacked(chunks, packedBytesMax);
  const first = await packed.next();
  if (first.done === true) throw new MicroError("invalid_argument", "the archive is empty");
  const whole = startingWith(first.value, packed);
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  return isGzip ? gunzip(whole) : whole;
}

async function* gunzip(packed: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed, { objectMode: false });
  const plain = createGunzip();
  // A failure of the sender is handed on, so that the reader sees that and not a torn archive.
  source.on("error", (reason) => plain.destroy(reason));
  try {
    for await (const piece of source.pipe(plain)) yield piece as Uint8Array;
  } catch (cause) {
    if (MicroError.is(cause)) throw cause;
    throw new MicroError("invalid_argument", "the archive cannot be read: its gzip data is damaged", { cause });
  } finally {
    source.destroy();
    plain.destroy();
  }
}

async function* startingWith(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Leaves out empty chunks, so that the first one can be looked at. */
async function* limitPacked(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let totalBytes = 0;
  for await (const chunk of chunks) {
    totalBytes += chunk.byteLength;
    if (totalBytes > bytesMax) throw tooLarge("the archive", bytesMax);
    if (chunk.byteLength > 0) yield chunk;
  }
}

async function* limitBytes(
  chunks: AsyncIterable<Uint8Array>,
  { unpackedBytesMax }: SourceLimits,
): AsyncGenerator<Uint8Array> {
  let totalBytes = 0;
  for await (const chunk of chunks) {
    totalBytes += chunk.byteLength;
    if (totalBytes > unpackedBytesMax) throw tooLarge("the unpacked source", unpackedBytesMax);
    yield chunk;
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await handle.write(bytes, at)).bytesWritten;
}

function tooLarge(what: string, bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `${what} is larger than ${Math.floor(bytesMax / 1024 / 1024)} MiB`);
}

function namedTwice(reason: unknown, path: string): MicroError {
  const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
  if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR") {
    return new MicroError("invalid_argument", `the source holds ${path} twice`, { cause: reason });
  }
  return MicroError.from(reason, { code: "unavailable", detail: `cannot write ${path} of the source` });
}
