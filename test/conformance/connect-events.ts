import type { Events } from "#interface/events.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { fixedNode } from "#rpc/node-resolver.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import type { Encoding } from "#rpc/server-call.ts";
import { TypedClient } from "#rpc/typed-client.ts";
import { EventsOverRpc } from "./events-over-rpc.ts";

/** Events as a client of a server reaches them. */
export function connectEvents(
  address: string,
  options: { readonly encoding?: Encoding } = {},
): { readonly events: Events; readonly client: TypedClient; readonly close: () => Promise<void> } {
  const transports = { grpc: new GrpcTransport(), http: new HttpTransport({ http: createHttpClient() }) };
  const rpc = new RpcClient({ resolve: fixedNode(address), ...transports });
  const client = new TypedClient(rpc, { namespace: "micro" });
  const callOptions = options.encoding === undefined ? {} : { encoding: options.encoding };
  return { client, events: new EventsOverRpc(client, callOptions), close: () => rpc.close() };
}
