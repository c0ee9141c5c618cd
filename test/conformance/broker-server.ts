import { silentLogger } from "#base/logger.ts";
import { brokerMethods } from "#core/broker/broker-methods.ts";
import { MemoryBroker } from "#core/broker/memory-broker.ts";
import type { Account } from "#interface/auth.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import { createClient, type Client } from "#service/client.ts";

/**
 * A broker on a real port. Who calls is an administrator of the namespace that the call names, unless the header
 * `account` says who else (`nobody` has none), or `account-namespace` where else he is at home.
 */
export interface BrokerServer extends AsyncDisposable {
  readonly broker: MemoryBroker;
  readonly address: string;
  /** A client that is closed with the server. @param namespace @default micro */
  client(namespace?: string): Client;
  /** Ends connections and calls. */
  stop(): Promise<void>;
}

/** The token of every client. */
export const testToken = "token-of-the-publisher";

/** @param address @default a free port */
export async function startBroker(address = "127.0.0.1:0"): Promise<BrokerServer> {
  const broker = new MemoryBroker();
  const server = createRpcServer({
    name: "broker",
    logger: silentLogger,
    resolve: resolveTables([
      createServiceTable({ name: "broker", version: "test", methods: brokerMethods({ broker }) }),
    ]),
    guard: (call) => {
      call.namespace = call.metadata["micro-namespace"] ?? "micro";
      call.account = createAccount(
        call.metadata["account"] ?? "admin",
        call.metadata["account-namespace"] ?? call.namespace,
      );
    },
  });
  const listener = await listenRpc({ address, server });
  const clients: Client[] = [];
  const stop = async (): Promise<void> => {
    await listener.stop(0);
    await broker.stop();
  };
  return {
    broker,
    address: listener.address,
    client: (namespace = "micro") => {
      const client = createClient({ address: listener.address, namespace, token: testToken });
      clients.push(client);
      return client;
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((each) => each.stop()));
      await stop();
    },
  };
}

function createAccount(id: string, namespace: string): Account | undefined {
  if (id === "nobody") return undefined;
  const scopes = id === "admin" ? ["admin"] : [];
  return { id, type: "user", namespace, name: id, scopes, metadata: {} };
}
