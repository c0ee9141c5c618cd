import type { ContentFolder } from "./content-folder.ts";
import type { WrittenContent } from "./content-writer.ts";
import { onDisk } from "./disk-error.ts";

/**
 * Writes a content beside the others, where nobody sees it yet. One that comes out wrong leaves nothing behind.
 *
 * @throws MicroError `payload_too_large`, `unavailable` when the disk refuses, and what `content` throws.
 */
export async function receiveContent(
  contents: ContentFolder,
  id: string,
  content: AsyncIterable<Uint8Array>,
): Promise<WrittenContent> {
  const { path } = contents;
  const writer = await onDisk(path, contents.create(id));
  try {
    for await (const piece of content) await onDisk(path, writer.write(piece));
    return await onDisk(path, writer.finish());
  } catch (reason) {
    await writer.discard();
    throw reason;
  }
}
