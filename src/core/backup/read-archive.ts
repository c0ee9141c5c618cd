import { createHash } from "node:crypto";
import { ByteReader } from "#base/byte-reader.ts";
import { joinBytes } from "#base/join-bytes.ts";
import { limits } from "#base/limits.ts";
import { readTar, type TarEntry } from "#base/tar-reader.ts";
import { badBackup, manifestName, parseManifest, type BackupFile, type BackupManifest } from "./backup-manifest.ts";

/** Takes the content of a file as it is read. It is known to be whole only when `readArchive` has returned. */
export type FileReceiver = (file: BackupFile, content: AsyncIterable<Uint8Array>) => Promise<void>;

export interface ReadArchiveOptions {
  /** Called before the first file, to refuse what the manifest says. */
  readonly onManifest?: (manifest: BackupManifest) => void | Promise<void>;
  /** @default the content is only checked */
  readonly onFile?: FileReceiver;
}

/**
 * Reads a backup from its beginning to its end and holds every file against the manifest.
 *
 * @throws MicroError `invalid_argument` for what is damaged, cut off, or holds anything but the files of its manifest.
 */
export async function readArchive(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadArchiveOptions = {},
): Promise<BackupManifest> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    return await readEntries({ [Symbol.asyncIterator]: () => source }, options);
  } finally {
    // What is left unread may hold a file open.
    await source.return?.();
  }
}

async function readEntries(
  chunks: AsyncIterable<Uint8Array>,
  { onManifest, onFile }: ReadArchiveOptions,
): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  let missing = new Map<string, BackupFile>();
  for await (const entry of readTar(new ByteReader(chunks))) {
    if (manifest === undefined) {
      manifest = await readManifest(entry);
      missing = new Map(manifest.files.map((file) => [file.path, file]));
      await onManifest?.(manifest);
      continue;
    }
    const file = missing.get(entry.name);
    if (file === undefined || entry.kind !== "file") throw badBackup(`${shown(entry.name)} is not in its manifest`);
    missing.delete(file.path);
    if (entry.sizeBytes !== file.sizeBytes)
      throw badBackup(`${shown(file.path)} has another size than its manifest says`);
    await readFile(file, entry, onFile);
  }
  if (manifest === undefined) throw badBackup("it is empty");
  const [first] = missing.keys();
  if (first !== undefined) throw badBackup(`${shown(first)} is missing`);
  return manifest;
}

async function readManifest(entry: TarEntry): Promise<BackupManifest> {
  if (entry.name !== manifestName || entry.kind !== "file") throw badBackup("it does not begin with a manifest");
  if (entry.sizeBytes > limits.backupManifestBytesMax) throw badBackup("its manifest is too large");
  const pieces: Uint8Array[] = [];
  // The reader lends its bytes until the next call only.
  for await (const piece of entry.content) pieces.push(piece.slice());
  return parseManifest(joinBytes(pieces));
}

async function readFile(file: BackupFile, entry: TarEntry, onFile: FileReceiver | undefined): Promise<void> {
  const hash = createHash("sha256");
  const content = hashing(entry.content, (piece) => void hash.update(piece));
  if (onFile === undefined) for await (const _ of content);
  else await onFile(file, content);
  if (hash.digest("hex") !== file.sha256) throw badBackup(`${shown(file.path)} is damaged: its checksum does not hold`);
}

async function* hashing(
  content: AsyncIterable<Uint8Array>,
  update: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    update(piece);
    yield piece;
  }
}

/** A name out of an archive, safe to print. */
function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
