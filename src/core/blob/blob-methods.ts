import { BlobStore as BlobStoreService } from "#gen/store/store_pb.ts";
import type { Blobs } from "#interface/blob.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { blobHandlers } from "./blob-handlers.ts";

/** The methods of `store.BlobStore`, for the table of the core service `store`. */
export function blobMethods({ blobs }: { readonly blobs: Blobs }): readonly MethodImplementation[] {
  return protoMethods(BlobStoreService, blobHandlers(blobs));
}
