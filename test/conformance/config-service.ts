import { silentLogger } from "#base/logger.ts";
import { configMethods } from "#core/config/config-methods.ts";
import { openConfigKeys } from "#core/config/config-keys.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { Account } from "#interface/auth.ts";
import type { Config } from "#interface/config.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createClient, type Client } from "#service/client.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** The service `config` on a real port. */
export interface ConfigService extends AsyncDisposable {
  readonly address: string;
  /** A client whose account is found by this token. @default "admin" of namespace `micro` */
  client(token?: string, namespace?: string): Client;
  /** The port is closed and every connection with it; what is stored stays. */
  stop(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

/** By token: who is calling. */
const accounts: Readonly<Record<string, Account>> = {
  admin: account("admin", { namespace: "micro", scopes: ["admin"] }),
  user: account("user", { namespace: "micro", scopes: [] }),
  "other-admin": account("other-admin", { namespace: "other", scopes: ["admin"] }),
  "other-service": { ...account("other-service", { namespace: "other", scopes: ["service"] }), type: "service" },
};

/** Serves config to the accounts `admin` and `user` of `micro`, `other-admin` and `other-service` of `other`. */
export async function serveConfig(config: Config): Promise<ConfigService> {
  const server = createRpcServer({
    name: "config",
    logger: silentLogger,
    resolve: resolveTables([
      createServiceTable({ name: "config", version: "test", methods: configMethods({ config }) }),
    ]),
    guard: (call) => {
      call.account = accounts[call.metadata["authorization"]?.replace("Bearer ", "") ?? ""];
      call.namespace = call.metadata["micro-namespace"] ?? "micro";
    },
  });
  let listener = await listenRpc({ address: "127.0.0.1:0", server });
  const { address } = listener;
  const clients: Client[] = [];
  return {
    address,
    client: (token = "admin", namespace = "micro") => {
      const client = createClient({ address, token, namespace, name: "suite", variables: {} });
      clients.push(client);
      return client;
    },
    stop: () => listener.stop(0),
    start: async () => {
      listener = await listenRpc({ address, server });
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.stop();
      await listener.stop(0);
    },
  };
}

/** Config on a store on disk. */
export interface OpenConfig extends AsyncDisposable {
  readonly folder: string;
  readonly keyFile: string;
  readonly store: SqliteStore;
  readonly config: StoreConfig;
}

export async function openSqliteConfig(): Promise<OpenConfig> {
  const folder = await createTempFolder();
  const store = await SqliteStore.open({ folder: `${folder.path}/store` });
  const keyFile = `${folder.path}/config_secret_key`;
  const config = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
  return {
    folder: folder.path,
    keyFile,
    store,
    config,
    [Symbol.asyncDispose]: async () => {
      await config.stop();
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function account(id: string, { namespace, scopes }: Pick<Account, "namespace" | "scopes">): Account {
  return { id, type: "user", namespace, name: id, scopes, metadata: {} };
}
