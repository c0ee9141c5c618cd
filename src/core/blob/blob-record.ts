import { MicroError } from "#base/error.ts";
import type { BlobInfo, BlobScope } from "#interface/blob.ts";
import type { StoreScope } from "#interface/store.ts";

/** Facts of blobs by `namespace/key`. */
export const blobScope: StoreScope = { database: "micro", table: "blobs" };

/** The keys of blobs by the id of their content file: what is not in here belongs to nobody. */
export const contentScope: StoreScope = { database: "micro", table: "blob-files" };

/** What the store keeps of a blob. */
export interface BlobRecord {
  readonly info: BlobInfo;
  /** Id of the file that holds its content. */
  readonly file: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A namespace has no slash, so no two blobs share a key. */
export function toStoreKey({ namespace, key }: BlobScope): string {
  return `${namespace}/${key}`;
}

export function encodeStoreKey(scope: BlobScope): Uint8Array {
  return encoder.encode(toStoreKey(scope));
}

export function encodeBlobRecord({ info, file }: BlobRecord): Uint8Array {
  const { sizeBytes, sha256, contentType, isPublic, modifiedAtMs } = info;
  return encoder.encode(JSON.stringify({ file, sizeBytes, sha256, contentType, isPublic, modifiedAtMs }));
}

/** @throws MicroError `internal` for what is no record of a blob. */
export function decodeBlobRecord(key: string, value: Uint8Array): BlobRecord {
  const parsed = parse(value);
  if (typeof parsed === "object" && parsed !== null) {
    const { file, sizeBytes, sha256, contentType, isPublic, modifiedAtMs } = parsed as Record<string, unknown>;
    if (
      typeof file === "string" &&
      typeof sizeBytes === "number" &&
      typeof sha256 === "string" &&
      typeof contentType === "string" &&
      typeof isPublic === "boolean" &&
      typeof modifiedAtMs === "number"
    ) {
      return { file, info: { key, sizeBytes, contentType, isPublic, sha256, modifiedAtMs } };
    }
  }
  const detail = `the record of blob ${JSON.stringify(key)} is damaged: restore the store from a backup`;
  throw new MicroError("internal", detail, { at: "store.Blob" });
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(value)) as unknown;
  } catch {
    return undefined;
  }
}
