import { open } from "node:fs/promises";
import { CommandError } from "#cli/command-error.ts";
import { tarBlockBytes } from "#base/tar-header.ts";
import { encodeTarHeader, tarPadding } from "#base/tar-writer.ts";
import type { SourceFile } from "./collect-source.ts";

const readBytes = 256 * 1024;

/** The files as a tar archive, in pieces. @throws CommandError when a file changes while it is read. */
export async function* packSource(files: readonly SourceFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield encodeTarHeader(file);
    yield* readContent(file);
    yield tarPadding(file.sizeBytes);
  }
  yield new Uint8Array(2 * tarBlockBytes);
}

/** The content of a file, of the size that it had. @throws CommandError when it changes while it is read. */
export async function* readContent(file: SourceFile): AsyncGenerator<Uint8Array> {
  if (file.sizeBytes === 0) return;
  const handle = await open(file.absolutePath).catch((reason: unknown) => {
    throw new CommandError(`Cannot read ${file.absolutePath}`, { cause: reason });
  });
  try {
    let left = file.sizeBytes;
    while (left > 0) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(left, readBytes)));
      if (bytesRead === 0) throw new CommandError(`${file.absolutePath} changed while it was read: try again`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
