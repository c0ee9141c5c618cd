import { gatherBytes } from "#base/join-bytes.ts";
import { limits } from "#base/limits.ts";
import { tarBlockBytes } from "#base/tar-header.ts";
import { encodeTarHeader, tarPadding } from "#base/tar-writer.ts";
import { encodeManifest, manifestName, type BackupFile, type BackupManifest } from "./backup-manifest.ts";
import { readPieces } from "./list-files.ts";

/** An archive that is ready to be sent. */
export interface OutgoingArchive {
  readonly sizeBytes: number;
  pieces(): AsyncGenerator<Uint8Array>;
}

/** The files of a folder as a tar archive that begins with their manifest. The folder must not change any more. */
export function packArchive(folder: string, manifest: BackupManifest): OutgoingArchive {
  const head = encodeManifest(manifest);
  const headFile = { path: manifestName, sizeBytes: head.length, isExecutable: false };
  const sizes = [headFile, ...manifest.files].map(
    (file) => encodeTarHeader(file).length + file.sizeBytes + tarPadding(file.sizeBytes).length,
  );
  const end = new Uint8Array(2 * tarBlockBytes);
  const write = async function* (): AsyncGenerator<Uint8Array> {
    yield encodeTarHeader(headFile);
    yield head;
    yield tarPadding(head.length);
    for (const file of manifest.files) yield* writeFile(folder, file);
    yield end;
  };
  return {
    sizeBytes: sizes.reduce((sum, size) => sum + size, end.length),
    pieces: () => gatherBytes(write(), limits.blobPieceBytes),
  };
}

async function* writeFile(folder: string, file: BackupFile): AsyncGenerator<Uint8Array> {
  yield encodeTarHeader(file);
  if (file.sizeBytes > 0) yield* readPieces(`${folder}/${file.path}`);
  yield tarPadding(file.sizeBytes);
}
