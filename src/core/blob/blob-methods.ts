import { BlobStore as BlobStoreService } from "#gen/store/store_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Blobs } from "#interface/blob.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { blobHandlers } from "./blob-handlers.ts";

/** The methods of `store.BlobStore`, for the table of the core service `store`. */
export function blobMethods({
  blobs,
  rules,
}: {
  readonly blobs: Blobs;
  /** Rules about blobs. @default none: administrators of a namespace, services among them, use its blobs */
  readonly rules?: DataRules;
}): readonly MethodImplementation[] {
  return protoMethods(BlobStoreService, blobHandlers(blobs, rules));
}
