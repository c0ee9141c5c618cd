import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type {
  BlobReadRequest,
  BlobReadResponseSchema,
  BlobStore as BlobStoreService,
  BlobWriteRequest,
} from "#gen/store/store_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Blobs, BlobScope } from "#interface/blob.ts";
import { requireData } from "#interface/data-access.ts";
import { requireOwnNamespace } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { listBlobs } from "./list-blobs.ts";
import { toRange, toWireInfo } from "./blob-wire.ts";

/** `store.BlobStore` as callers reach it: administrators of a namespace (its services among them) use its blobs, and whom rules let. */
export function blobHandlers(blobs: Blobs, rules: DataRules | undefined): ProtoHandlers<typeof BlobStoreService> {
  const require = (request: BlobName, call: ServerCall, right: BlobRight): BlobScope =>
    requireScope(rules, call, { request, right });
  return {
    read: (request, call) => read(blobs, require(request, call, "read"), request),
    write: async (requests, call) => {
      const upload = await openUpload(requests, (request) => require(request, call, "write"));
      const { scope, contentType, isPublic } = upload;
      // Some clients end their side of a call before they cancel it, so that what they had to say looks complete.
      const { signal } = call;
      const info = await blobs.write(scope, upload.content(), { contentType, isPublic, signal });
      return { info: toWireInfo(info) };
    },
    stat: async (request, call) => {
      const info = await blobs.stat(require(request, call, "read"));
      if (info === undefined) throw notFound("Stat");
      return { info: toWireInfo(info) };
    },
    delete: async (request, call) => {
      await blobs.delete(require(request, call, "write"));
      return {};
    },
    list: async ({ options }, call) => {
      const { namespace } = require({ key: options?.prefix ?? "", options }, call, "read");
      const infos = await listBlobs(blobs, namespace, options);
      return { keys: infos.map(({ key }) => key), blobs: infos.map(toWireInfo) };
    },
  };
}

/** What is known of the blob comes with its first piece. */
async function* read(
  blobs: Blobs,
  scope: BlobScope,
  request: BlobReadRequest,
): AsyncGenerator<MessageInitShape<typeof BlobReadResponseSchema>> {
  const found = await blobs.read(scope, toRange(request));
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

async function openUpload(
  requests: AsyncIterable<BlobWriteRequest>,
  open: (request: BlobName) => BlobScope,
): Promise<Upload> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) throw new MicroError("invalid_argument", "No blob was sent", { at: "store.Blob.Write" });
  const { options } = first.value;
  return {
    scope: open(first.value),
    contentType: options?.contentType ?? "",
    isPublic: options?.public ?? false,
    content: async function* () {
      yield first.value.blob;
      for await (const { blob } of { [Symbol.asyncIterator]: () => iterator }) yield blob;
    },
  };
}

/** What somebody does with a blob, as rules of type `blob` name it. */
type BlobRight = "read" | "write";

interface BlobName {
  readonly key: string;
  readonly options?: { readonly namespace: string } | undefined;
}

/** Rules name the first folder of a key, or the key where it has none; a prefix without a folder means all. */
function requireScope(
  rules: DataRules | undefined,
  call: ServerCall,
  { request, right }: { readonly request: BlobName; readonly right: BlobRight },
): BlobScope {
  const at = call.endpoint;
  const { key, options } = request;
  const named = options?.namespace ?? "";
  const namespace = named === "" ? requireOwnNamespace(call.account, call.namespace, at) : named;
  const resource = { type: "blob", name: nameOf(key, at), endpoint: right } as const;
  requireData(rules, call.account, { namespace, resource, at });
  return { namespace, key };
}

function nameOf(key: string, at: string): string {
  const slash = key.indexOf("/");
  if (slash > 0) return key.slice(0, slash);
  return key === "" || at.endsWith(".List") ? "*" : key;
}

function notFound(method: string): MicroError {
  return new MicroError("not_found", "Blob not found", { at: `store.Blob.${method}` });
}
