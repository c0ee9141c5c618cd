import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { SourceFile as WireFile, Source as SourceService, UploadRequest } from "#gen/runtime/runtime_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { requireAccount, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { SourceFile } from "./source-archive.ts";
import { cleanSourcePath } from "./source-path.ts";
import type { SourceStore } from "./source-store.ts";

/**
 * `runtime.Source`: administrators bring code. An upload belongs to the namespace of its sender, or to the one that an
 * administrator of the installation acts in.
 */
export function sourceHandlers(sources: SourceStore): ProtoHandlers<typeof SourceService> {
  return {
    upload: async (requests, call) => {
      const namespace = requireUploader(call);
      const upload = await openUpload(requests);
      const key = { namespace, name: upload.service.name, version: upload.service.version };
      const { files, folder } = upload;
      return { id: await sources.put(key, { chunks: upload.chunks(), expected: () => files, folder }) };
    },
    check: async ({ sha256 }, call) => {
      const namespace = requireUploader(call);
      if (sha256.length > limits.sourceFileCountMax) {
        throw new MicroError("payload_too_large", `a source has at most ${limits.sourceFileCountMax} files`);
      }
      const wrong = sha256.find((each) => !isSha256(each));
      if (wrong !== undefined)
        throw new MicroError("invalid_argument", `${wrong.slice(0, 80)} is no SHA-256 in lower case`);
      return { missing: [...(await sources.missing(namespace, sha256))] };
    },
  };
}

/** The namespace of an upload: an administrator of the installation may name another than his own. */
function requireUploader(call: ServerCall): string {
  const account = requireAccount(call.account, call.endpoint);
  const namespace = account.namespace === defaultNamespace ? call.namespace : account.namespace;
  requireNamespaceAdmin(account, namespace, call.endpoint);
  return namespace;
}

interface Upload {
  readonly service: { readonly name: string; readonly version: string };
  /** What the sender says is in the archive; complete when the archive is. */
  readonly files: readonly SourceFile[];
  readonly folder: string;
  chunks(): AsyncGenerator<Uint8Array>;
}

async function openUpload(requests: AsyncIterable<UploadRequest>): Promise<Upload> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  const service = first.done === true ? undefined : first.value.service;
  if (first.done === true || service === undefined) {
    throw new MicroError("invalid_argument", "No service was sent");
  }
  const files: SourceFile[] = [];
  const take = (request: UploadRequest): Uint8Array => {
    files.push(...request.files.map(fromWireFile));
    if (files.length <= limits.sourceFileCountMax) return request.data;
    throw new MicroError("payload_too_large", `the source holds more than ${limits.sourceFileCountMax} files`);
  };
  return {
    service: { name: service.name, version: service.version === "" ? "latest" : service.version },
    files,
    folder: cleanSourcePath(first.value.folder),
    chunks: async function* () {
      yield take(first.value);
      for await (const request of { [Symbol.asyncIterator]: () => iterator }) yield take(request);
    },
  };
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function fromWireFile({ path, sha256, size, executable }: WireFile): SourceFile {
  return { path: cleanSourcePath(path), sha256, sizeBytes: Number(size), isExecutable: executable };
}
