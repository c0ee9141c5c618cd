/** Entry point `micro-ts/blob`: large values by key, streamed. */
export { MicroError } from "#base/error.ts";
export type { BlobInfo, BlobListQuery, BlobRange, BlobWriteOptions } from "#interface/blob.ts";
export type { Origin } from "./caller.ts";
export type { BlobSource } from "./blob-source.ts";
export { createBlobs, type BlobClient, type BlobOptions } from "./blob-client.ts";
export type { BlobReading } from "./blob-reading.ts";
