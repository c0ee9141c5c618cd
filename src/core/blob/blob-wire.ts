import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type { BlobInfoSchema } from "#gen/store/store_pb.ts";
import type { BlobInfo, BlobRange } from "#interface/blob.ts";

/** What is known of a blob, as it travels. */
export function toWireInfo(info: BlobInfo): MessageInitShape<typeof BlobInfoSchema> {
  return {
    key: info.key,
    size: BigInt(info.sizeBytes),
    contentType: info.contentType,
    public: info.isPublic,
    sha256: info.sha256,
    modifiedMs: BigInt(info.modifiedAtMs),
  };
}

/** The range that a request asks for; a length of 0 is all. @throws MicroError `invalid_argument` for numbers that no blob has. */
export function toRange({ offset, length }: { readonly offset: bigint; readonly length: bigint }): BlobRange {
  return { offset: toCount("offset", offset), ...(length === 0n ? {} : { length: toCount("length", length) }) };
}

/** A count as a number. @throws MicroError `invalid_argument` above what a number holds. */
export function toCount(what: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new MicroError("invalid_argument", `${what} ${value} is more than any blob has`);
}
