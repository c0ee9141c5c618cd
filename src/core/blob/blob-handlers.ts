import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type {
  BlobReadRequest,
  BlobReadResponseSchema,
  BlobStore as BlobStoreService,
  BlobWriteRequest,
} from "#gen/store/store_pb.ts";
import type { Blobs, BlobScope } from "#interface/blob.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { listBlobs } from "./list-blobs.ts";
import { toRange, toWireInfo } from "./blob-wire.ts";

/** `store.BlobStore` as callers reach it: administrators of a namespace (its services among them) use its blobs. */
export function blobHandlers(blobs: Blobs): ProtoHandlers<typeof BlobStoreService> {
  return {
    read: (request, call) => read(blobs, request, call),
    write: async (requests, call) => {
      const upload = await openUpload(requests, call);
      const { scope, contentType, isPublic } = upload;
      // Some clients end their side of a call before they cancel it, so that what they had to say looks complete.
      const { signal } = call;
      const info = await blobs.write(scope, upload.content(), { contentType, isPublic, signal });
      return { info: toWireInfo(info) };
    },
    stat: async (request, call) => {
      const info = await blobs.stat(requireScope(request, call));
      if (info === undefined) throw notFound("Stat");
      return { info: toWireInfo(info) };
    },
    delete: async (request, call) => {
      await blobs.delete(requireScope(request, call));
      return {};
    },
    list: async ({ options }, call) => {
      const namespace = requireNamespaceOf(options, call);
      const infos = await listBlobs(blobs, namespace, options);
      return { keys: infos.map(({ key }) => key), blobs: infos.map(toWireInfo) };
    },
  };
}

/** What is known of the blob comes with its first piece. */
async function* read(
  blobs: Blobs,
  request: BlobReadRequest,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof BlobReadResponseSchema>> {
  const found = await blobs.read(requireScope(request, call), toRange(request));
  if (found === undefined) throw notFound("Read");
  let isFirst = true;
  for await (const blob of found.content) {
    yield isFirst ? { blob, info: toWireInfo(found.info) } : { blob };
    isFirst = false;
  }
  if (isFirst) yield { info: toWireInfo(found.info) };
}

interface Upload {
  readonly scope: BlobScope;
  readonly contentType: string;
  readonly isPublic: boolean;
  content(): AsyncGenerator<Uint8Array>;
}

async function openUpload(requests: AsyncIterable<BlobWriteRequest>, call: ServerCall): Promise<Upload> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) throw new MicroError("invalid_argument", "No blob was sent", { at: "store.Blob.Write" });
  const { options } = first.value;
  return {
    scope: requireScope(first.value, call),
    contentType: options?.contentType ?? "",
    isPublic: options?.public ?? false,
    content: async function* () {
      yield first.value.blob;
      for await (const { blob } of { [Symbol.asyncIterator]: () => iterator }) yield blob;
    },
  };
}

function requireScope(
  request: { readonly key: string; readonly options?: { readonly namespace: string } | undefined },
  call: ServerCall,
): BlobScope {
  return { namespace: requireNamespaceOf(request.options, call), key: request.key };
}

function requireNamespaceOf(options: { readonly namespace: string } | undefined, call: ServerCall): string {
  const namespace = options === undefined || options.namespace === "" ? call.namespace : options.namespace;
  requireNamespaceAdmin(call.account, namespace, call.endpoint);
  return namespace;
}

function notFound(method: string): MicroError {
  return new MicroError("not_found", "Blob not found", { at: `store.Blob.${method}` });
}
