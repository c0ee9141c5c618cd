import { silentLogger } from "#base/logger.ts";
import type { Clock } from "#base/clock.ts";
import { storeMethods } from "#core/store/store-methods.ts";
import type { Account } from "#interface/auth.ts";
import type { Store } from "#interface/store.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createClient, type Client } from "#service/client.ts";

/** The service `store` on a real port. */
export interface StoreService extends AsyncDisposable {
  readonly address: string;
  /** Endpoints that were called, in order. */
  readonly calls: readonly string[];
  /** A client of the namespace whose account is found by this token. @default "admin" of namespace `micro` */
  client(token?: string, namespace?: string): Client;
}

/** By token: who is calling. */
const accounts: Readonly<Record<string, Account>> = {
  admin: account("admin", { namespace: "micro", scopes: ["admin"] }),
  user: account("user", { namespace: "micro", scopes: [] }),
  "other-admin": account("other-admin", { namespace: "other", scopes: ["admin"] }),
  "other-service": { ...account("other-service", { namespace: "other", scopes: ["service"] }), type: "service" },
};

/** Serves a store to the accounts `admin` and `user` of `micro`, `other-admin` and `other-service` of `other`. */
export async function serveStore(store: Store, clock?: Clock): Promise<StoreService> {
  const methods = storeMethods({ store, ...(clock === undefined ? {} : { clock }) });
  const calls: string[] = [];
  const server = createRpcServer({
    name: "store",
    logger: silentLogger,
    resolve: resolveTables([createServiceTable({ name: "store", version: "test", methods })]),
    guard: (call) => {
      calls.push(call.endpoint);
      call.account = accounts[call.metadata["authorization"]?.replace("Bearer ", "") ?? ""];
    },
  });
  const listener = await listenRpc({ address: "127.0.0.1:0", server });
  const clients: Client[] = [];
  return {
    address: listener.address,
    calls,
    client: (token = "admin", namespace = "micro") => {
      const client = createClient({ address: listener.address, token, namespace, name: "suite", variables: {} });
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.stop();
      await listener.stop(0);
    },
  };
}

function account(id: string, { namespace, scopes }: Pick<Account, "namespace" | "scopes">): Account {
  return { id, type: "user", namespace, name: id, scopes, metadata: {} };
}
