import { ByteReader } from "#base/byte-reader.ts";
import { MicroError } from "#base/error.ts";
import { encodeTarHeader, tarPadding } from "#base/tar-writer.ts";
import { tarBlockBytes } from "#base/tar-header.ts";
import type { GitProgram } from "./git-program.ts";
import type { GitBlob, GitFile } from "./git-tree.ts";

const pieceBytes = 256 * 1024;
const decoder = new TextDecoder("latin1");

/**
 * The content of objects, in their order, as it comes out of git. Each is to be read to its end before the next.
 *
 * @throws MicroError `unavailable` when the cache is damaged, `gateway_timeout`.
 */
export async function* readBlobs(
  program: GitProgram,
  folder: string,
  blobs: readonly GitBlob[],
): AsyncGenerator<AsyncIterable<Uint8Array>> {
  if (blobs.length === 0) return;
  const input = `${blobs.map(({ object }) => object).join("\n")}\n`;
  const git = program.start({ args: ["cat-file", "--batch"], folder, input });
  const reader = new ByteReader(git.stdout);
  try {
    for (const { object, sizeBytes } of blobs) {
      const header = `${object} blob ${sizeBytes}\n`;
      const said = await reader.exactly(header.length);
      if (said === undefined || decoder.decode(said) !== header) throw damaged(object);
      yield take(reader, sizeBytes);
      await reader.exactly(1);
    }
  } catch (reason) {
    git.kill();
    // Why git ended is a better reason than that it did.
    await git.ended;
    throw reason;
  } finally {
    git.kill();
    await git.ended.catch(() => undefined);
  }
}

/** The content of small files, as text. @throws MicroError as {@link readBlobs} does. */
export async function readTexts(
  program: GitProgram,
  folder: string,
  blobs: readonly GitBlob[],
): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const content of readBlobs(program, folder, blobs)) {
    texts.push(Buffer.concat(await Array.fromAsync(content)).toString("utf8"));
  }
  return texts;
}

/** The files as a tar archive, with `folder` as its root. */
export async function* packGitFiles(
  program: GitProgram,
  repository: string,
  { files, folder }: { readonly files: readonly GitFile[]; readonly folder: string },
): AsyncGenerator<Uint8Array> {
  const contents = readBlobs(program, repository, files);
  for (const file of files) {
    const next = await contents.next();
    if (next.done === true) throw damaged(file.object);
    const path = folder === "" ? file.path : file.path.slice(folder.length + 1);
    yield encodeTarHeader({ ...file, path });
    yield* next.value;
    yield tarPadding(file.sizeBytes);
  }
  yield new Uint8Array(2 * tarBlockBytes);
  await contents.return(undefined);
}

async function* take(reader: ByteReader, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0;) {
    const piece = await reader.some(Math.min(left, pieceBytes));
    if (piece === undefined)
      throw new MicroError("unavailable", "the cache of git sources held half a file: try again");
    left -= piece.byteLength;
    yield piece;
  }
}

function damaged(object: string): MicroError {
  return new MicroError("unavailable", `the cache of git sources did not hold ${object} any more: try again`);
}
