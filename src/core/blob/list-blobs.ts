import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { BlobInfo, Blobs } from "#interface/blob.ts";
import { toCount } from "./blob-wire.ts";

/** Blobs that are asked for at a time. */
const pageCount = 1_000;

/** What the facts of a blob take in a message beside its key, which is there twice. */
const factsBytes = 256;

/** What a caller says about a list. */
export interface WireListOptions {
  readonly prefix: string;
  readonly after: string;
  readonly limit: bigint;
}

/**
 * The blobs of one answer, which must fit in a message. Who asks for pages may get fewer than he asked for, but for the
 * last page never none.
 *
 * @throws MicroError `payload_too_large` when all are asked for and they do not fit.
 */
export async function listBlobs(
  blobs: Blobs,
  namespace: string,
  options: WireListOptions | undefined,
): Promise<readonly BlobInfo[]> {
  const { prefix = "", limit = 0n } = options ?? {};
  const countMax = limit === 0n ? Number.POSITIVE_INFINITY : toCount("limit", limit);
  const found: BlobInfo[] = [];
  let after = options?.after ?? "";
  let leftBytes: number = limits.blobListBytesMax;
  while (found.length < countMax) {
    const wanted = Math.min(pageCount, countMax - found.length);
    const page = await blobs.list(namespace, { prefix, after, limit: wanted });
    for (const info of page) {
      leftBytes -= 2 * Buffer.byteLength(info.key) + info.contentType.length + factsBytes;
      if (leftBytes < 0) return endEarly(found, limit);
      found.push(info);
    }
    if (page.length < wanted) return found;
    after = page.at(-1)?.key ?? "";
  }
  return found;
}

function endEarly(found: readonly BlobInfo[], limit: bigint): readonly BlobInfo[] {
  if (limit > 0n) return found;
  const detail = `there are more blobs than one answer holds (${found.length}): ask for pages, with limit and after`;
  throw new MicroError("payload_too_large", detail, { at: "store.Blob.List" });
}
