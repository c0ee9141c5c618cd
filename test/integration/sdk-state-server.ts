import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import { eventsMethods } from "#core/events/events-methods.ts";
import { createEvents } from "#core/events/log-events.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { storeMethods } from "#core/store/store-methods.ts";
import type { Account } from "#interface/auth.ts";
import type { Events } from "#interface/events.ts";
import type { ServiceTable } from "#rpc/method.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createClient, type Client } from "#service/client.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** The token of every client: who calls is an administrator of the namespace that the call names. */
export const anyToken = "any";

/** A core service on a real port. */
export interface StateServer extends AsyncDisposable {
  readonly address: string;
  /** A client that is closed with the server. */
  client(options?: { readonly name?: string; readonly namespace?: string }): Client;
  /** The port is closed and every connection with it; what is stored stays. */
  stop(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

/** Serves tables; `close` is called at the end. */
export async function serveTables(
  tables: readonly ServiceTable[],
  close: () => Promise<void> = () => Promise.resolve(),
): Promise<StateServer> {
  const server = createRpcServer({
    name: "network",
    logger: silentLogger,
    resolve: resolveTables(tables),
    guard: (call) => {
      call.namespace = call.metadata["micro-namespace"] ?? "micro";
      call.account = createAdministrator(call.namespace);
    },
  });
  let listener = await listenRpc({ address: "127.0.0.1:0", server });
  const { address } = listener;
  const clients: Client[] = [];
  return {
    address,
    client: (options = {}) => {
      const client = createClient({ address, token: anyToken, name: "lab", namespace: "micro", ...options });
      clients.push(client);
      return client;
    },
    stop: () => listener.stop(0),
    start: async () => {
      listener = await listenRpc({ address, server });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((each) => each.stop()));
      await listener.stop(0);
      await close();
    },
  };
}

/** The store on disk, behind a port. */
export async function serveStore(): Promise<StateServer> {
  const folder = await createTempFolder();
  const store = await SqliteStore.open({ folder: folder.path });
  const table = createServiceTable({ name: "store", version: "test", methods: storeMethods({ store }) });
  return serveTables([table], async () => {
    await store.close();
    await folder[Symbol.asyncDispose]();
  });
}

/** Events in memory, behind a port. What is published stays when the port is closed for a while. */
export async function serveEvents(): Promise<StateServer & { readonly events: Events }> {
  const log = new MemoryEventLog({ clock: systemClock });
  const events = createEvents({ log, clock: systemClock, logger: silentLogger });
  const table = createServiceTable({ name: "events", version: "test", methods: eventsMethods({ events }) });
  const server = await serveTables([table], () => events.stop());
  return { ...server, events };
}

function createAdministrator(namespace: string): Account {
  return { id: "admin", type: "user", namespace, name: "admin", scopes: ["admin"], metadata: {} };
}
