import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import type { EventsUnderTest } from "#conformance/events-suite.ts";
import type { EventLog } from "#core/events/event-log.ts";
import { eventsMethods } from "#core/events/events-methods.ts";
import { createEvents } from "#core/events/log-events.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import type { Account } from "#interface/auth.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import type { Encoding, ServerCall } from "#rpc/server-call.ts";
import { createServiceTable, resolveTables } from "#rpc/service-table.ts";
import type { TypedClient } from "#rpc/typed-client.ts";
import { connectEvents } from "./connect-events.ts";

export interface RemoteEventsOptions {
  readonly encoding?: Encoding;
  /** Where it listens. @default a free port */
  readonly address?: string;
  /** @default one in memory */
  readonly log?: EventLog;
  /** Who calls. @default an administrator of the installation */
  readonly account?: Account | undefined;
}

export interface RemoteEvents extends EventsUnderTest {
  /** `host:port` of the server. */
  readonly address: string;
  readonly client: TypedClient;
}

/** Events on a real port, and a client that says which namespace it means. */
export async function startRemoteEvents(options: RemoteEventsOptions = {}): Promise<RemoteEvents> {
  const log = options.log ?? new MemoryEventLog({ clock: systemClock });
  const local = createEvents({ log, clock: systemClock, logger: silentLogger });
  const table = createServiceTable({ name: "events", version: "test", methods: eventsMethods({ events: local }) });
  const server = createRpcServer({
    name: "events",
    logger: silentLogger,
    resolve: resolveTables([table]),
    guard: (call) => admit(call, "account" in options ? options.account : administrator),
  });
  const listener = await listenRpc({ address: options.address ?? "127.0.0.1:0", server });
  const remote = connectEvents(listener.address, options);
  return {
    ...remote,
    address: listener.address,
    [Symbol.asyncDispose]: async () => {
      await remote.close();
      await local.stop();
      await listener.stop(0);
    },
  };
}

const administrator: Account = {
  id: "admin",
  type: "user",
  namespace: "micro",
  name: "admin",
  scopes: ["admin"],
  metadata: {},
};

function admit(call: ServerCall, account: Account | undefined): void {
  call.account = account;
  call.namespace = call.metadata["micro-namespace"] ?? "micro";
}
