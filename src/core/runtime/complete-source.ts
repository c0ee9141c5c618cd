import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { limits, MiB } from "#base/limits.ts";
import type { TarEntry } from "#base/tar-reader.ts";
import { addToSource, type SourceFile } from "./source-archive.ts";

/**
 * Puts the files that an archive left out into the folder that it was unpacked into, from what is kept.
 *
 * @param kept path of a content, where it is kept
 * @returns all files
 * @throws MicroError `conflict` when one is not kept (any more), `invalid_argument` when the archive holds others than those that were named.
 */
export async function completeSource(
  folder: string,
  {
    unpacked,
    expected,
    kept,
  }: {
    readonly unpacked: readonly SourceFile[];
    readonly expected: readonly SourceFile[];
    readonly kept: (sha256: string) => string | undefined;
  },
): Promise<readonly SourceFile[]> {
  const bytes = expected.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > limits.sourceUnpackedBytesMax) {
    const detail = `the unpacked source is larger than ${limits.sourceUnpackedBytesMax / MiB} MiB`;
    throw new MicroError("payload_too_large", detail);
  }
  const sent = new Set(unpacked.map(({ path }) => path));
  const missing = expected.filter(({ path }) => !sent.has(path));
  const files = [...unpacked, ...(await addToSource(keptEntries(missing, kept), folder))];
  requireSame(files, expected);
  return files;
}

async function* keptEntries(
  files: readonly SourceFile[],
  kept: (sha256: string) => string | undefined,
): AsyncGenerator<TarEntry> {
  for (const { path, sha256, isExecutable } of files) {
    const source = kept(sha256);
    if (source === undefined) throw new MicroError("conflict", `${path} is not kept any more: send it`);
    const { size: sizeBytes } = await stat(source);
    const content = createReadStream(source) as AsyncIterable<Uint8Array>;
    yield { kind: "file", name: path, sizeBytes, isExecutable, content };
  }
}

function requireSame(files: readonly SourceFile[], expected: readonly SourceFile[]): void {
  const named = new Map(expected.map((file) => [file.path, file]));
  for (const { path, sha256, sizeBytes, isExecutable } of files) {
    const file = named.get(path);
    const isSame = file?.sha256 === sha256 && file.sizeBytes === sizeBytes && file.isExecutable === isExecutable;
    if (isSame) continue;
    const why = file === undefined ? "was not named" : "is not what was named: did it change meanwhile?";
    throw new MicroError("invalid_argument", `${path} of the upload ${why}`);
  }
}
