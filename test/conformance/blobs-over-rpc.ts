import { silentLogger } from "#base/logger.ts";
import { blobMethods } from "#core/blob/blob-methods.ts";
import type { Account } from "#interface/auth.ts";
import type {
  BlobContent,
  BlobInfo,
  BlobListQuery,
  BlobRange,
  Blobs,
  BlobScope,
  BlobWriteOptions,
} from "#interface/blob.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createBlobs, type BlobClient } from "#service/blob.ts";
import type { Origin } from "#service/caller.ts";
import { createClient } from "#service/client.ts";

/** Blobs as users of the SDK reach them. */
export class BlobsOverRpc implements Blobs {
  readonly #origin: Origin;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  async write(
    { namespace, key }: BlobScope,
    content: AsyncIterable<Uint8Array>,
    options?: BlobWriteOptions,
  ): Promise<BlobInfo> {
    return this.#of(namespace).write(key, content, options);
  }

  async stat({ namespace, key }: BlobScope): Promise<BlobInfo | undefined> {
    return this.#of(namespace).stat(key);
  }

  async read({ namespace, key }: BlobScope, range?: BlobRange): Promise<BlobContent | undefined> {
    return this.#of(namespace).read(key, range);
  }

  async delete({ namespace, key }: BlobScope): Promise<void> {
    await this.#of(namespace).delete(key);
  }

  async list(namespace: string, query?: BlobListQuery): Promise<readonly BlobInfo[]> {
    return this.#of(namespace).list(query);
  }

  #of(namespace: string): BlobClient {
    return createBlobs(this.#origin, { namespace });
  }
}

const accounts: Readonly<Record<string, Account>> = {
  admin: account("admin", "micro", ["admin"]),
  ann: account("ann", "micro", []),
  fred: account("fred", "foo", ["admin"]),
};

/** The core service `store`, with nothing but blobs, on a port of its own. A token is the name of its account. */
export interface BlobServer extends AsyncDisposable {
  readonly address: string;
}

export async function startBlobServer(blobs: Blobs): Promise<BlobServer> {
  const table = createServiceTable({ name: "store", version: "test", methods: blobMethods({ blobs }) });
  const server = createRpcServer({
    name: "store",
    logger: silentLogger,
    resolve: resolveTables([table]),
    guard: (call) => {
      const token = call.metadata["authorization"]?.replace("Bearer ", "") ?? "";
      call.account = accounts[token];
      call.namespace = call.metadata["micro-namespace"] ?? "micro";
    },
  });
  const listener = await listenRpc({ address: "127.0.0.1:0", server });
  return { address: listener.address, [Symbol.asyncDispose]: () => listener.stop(0) };
}

/** A client of that server. */
export function connectTo(server: BlobServer, token = "admin"): ReturnType<typeof createClient> {
  return createClient({ address: server.address, token, namespace: "micro", variables: {} });
}

function account(id: string, namespace: string, scopes: readonly string[]): Account {
  return { id, type: "user", namespace, name: id, scopes, metadata: {} };
}
