import { createInterface } from "node:readline";
import { createClient, type Client } from "#service/client.ts";
import { BlobsOverRpc } from "../blobs-over-rpc.ts";
import { BrokerOverSdk } from "../broker-over-sdk.ts";
import { ConfigOverRpc } from "../config-over-rpc.ts";
import { connectEvents } from "../connect-events.ts";
import { StoreOverRpc } from "../store-over-rpc.ts";
import { Bridge } from "./bridge.ts";
import { ConsumerDesk } from "./consumer-desk.ts";
import { SubscriptionDesk } from "./subscription-desk.ts";

/**
 * The framework on Node, for suites that run on Bun: blocks as users reach them, served over standard input and output.
 * ADDRESS and TOKEN say whom it calls as whom.
 */
const { ADDRESS = "", TOKEN = "", NAMESPACE = "micro" } = process.env;
const createClientOf = (namespace: string): Client => {
  const made = createClient({ address: ADDRESS, token: TOKEN, namespace, name: "suite", variables: {} });
  clients.push(made);
  return made;
};
const clients: Client[] = [];
const client = createClientOf(NAMESPACE);
const broker = new BrokerOverSdk(createClientOf);
const { events, close: closeEvents } = connectEvents(ADDRESS);
const targets: Readonly<Record<string, object>> = {
  store: new StoreOverRpc(client),
  blobs: new BlobsOverRpc(client),
  config: new ConfigOverRpc(client),
  broker,
  subscriptions: new SubscriptionDesk(broker),
  events,
  consumers: new ConsumerDesk(events),
  process: { version: () => process.version },
};

const bridge = new Bridge({
  side: "host",
  send: (line) => void process.stdout.write(`${line}\n`),
  call: (target, method, args) => {
    const object = targets[target] as Readonly<Record<string, (...args: unknown[]) => unknown>> | undefined;
    return object?.[method]?.(...args);
  },
});

for await (const line of createInterface({ input: process.stdin })) bridge.receive(line);
await Promise.all([...clients.map((each) => each.stop()), closeEvents()]);
