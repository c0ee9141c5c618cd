import { limits } from "./limits.ts";
import type { ByteReader } from "./byte-reader.ts";
import {
  badArchive,
  decodeText,
  parsePaxRecords,
  parseTarHeader,
  tarBlockBytes,
  type TarHeader,
} from "./tar-header.ts";

/** A file or folder of an archive. Its name is what the archive says: check it before use. */
export interface TarEntry {
  readonly kind: "file" | "folder" | "other";
  readonly name: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
  /** The content; what is not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar archive (ustar, pax, GNU long names) in their order, as they arrive.
 *
 * @throws MicroError `invalid_argument` for what is no archive, or is cut off.
 */
export async function* readTar(reader: ByteReader): AsyncGenerator<TarEntry> {
  let said: { path?: string; sizeBytes?: number } = {};
  for (;;) {
    const block = await reader.exactly(tarBlockBytes);
    if (block === undefined) throw badArchive("its end is missing");
    const header = parseTarHeader(block);
    if (header === undefined) return;
    switch (header.kind) {
      case "extended":
        said = { ...said, ...toOverrides(parsePaxRecords(await readWhole(reader, header.sizeBytes))) };
        break;
      case "long-name":
        said = { ...said, path: decodeText(await readWhole(reader, header.sizeBytes)) };
        break;
      case "global":
        await readWhole(reader, header.sizeBytes);
        break;
      case "file":
      case "folder":
      case "other":
        yield* readEntry(reader, header.kind, { ...header, ...rename(header, said.path), ...size(said.sizeBytes) });
        said = {};
    }
  }
}

async function* readEntry(
  reader: ByteReader,
  kind: TarEntry["kind"],
  { name, sizeBytes, isExecutable }: TarHeader,
): AsyncGenerator<TarEntry> {
  const content = readContent(reader, sizeBytes);
  yield { kind: name.endsWith("/") && kind === "file" ? "folder" : kind, name, sizeBytes, isExecutable, content };
  // What the consumer left is skipped, with the padding to the next block.
  let isLeft = true;
  while (isLeft) isLeft = (await content.next()).done !== true;
  const padding = (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
  if (padding > 0 && (await reader.exactly(padding)) === undefined) throw badArchive("it is cut off");
}

/** Written as an iterator of its own, because leaving a `for await` over a generator would end it for good. */
function readContent(reader: ByteReader, sizeBytes: number): AsyncIterableIterator<Uint8Array> {
  let leftBytes = sizeBytes;
  return {
    next: async () => {
      if (leftBytes === 0) return { done: true, value: undefined };
      const piece = await reader.some(leftBytes);
      if (piece === undefined) throw badArchive("it is cut off");
      leftBytes -= piece.byteLength;
      return { done: false, value: piece };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function readWhole(reader: ByteReader, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes > limits.archiveHeaderBytesMax) throw badArchive("an extended header is too large");
  const paddedBytes = Math.ceil(sizeBytes / tarBlockBytes) * tarBlockBytes;
  if (paddedBytes === 0) return new Uint8Array(0);
  const bytes = await reader.exactly(paddedBytes);
  if (bytes === undefined) throw badArchive("it is cut off");
  return bytes.slice(0, sizeBytes);
}

function toOverrides(records: ReadonlyMap<string, string>): { path?: string; sizeBytes?: number } {
  const path = records.get("path");
  const size = records.get("size");
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw badArchive("a size is not a number");
  return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { sizeBytes: Number(size) }) };
}

function rename(header: TarHeader, path: string | undefined): Pick<TarHeader, "name"> {
  return { name: path ?? header.name };
}

function size(sizeBytes: number | undefined): Partial<Pick<TarHeader, "sizeBytes">> {
  return sizeBytes === undefined ? {} : { sizeBytes };
}
