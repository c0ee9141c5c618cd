import { createInterface } from "node:readline";
import { createClient } from "#service/client.ts";
import { BlobsOverRpc } from "../blobs-over-rpc.ts";
import { ConfigOverRpc } from "../config-over-rpc.ts";
import { StoreOverRpc } from "../store-over-rpc.ts";
import { Bridge } from "./bridge.ts";

/**
 * The framework on Node, for suites that run on Bun: blocks as users reach them, served over standard input and output.
 * ADDRESS and TOKEN say whom it calls as whom.
 */
const { ADDRESS = "", TOKEN = "", NAMESPACE = "micro" } = process.env;
const client = createClient({ address: ADDRESS, token: TOKEN, namespace: NAMESPACE, name: "suite", variables: {} });
const targets: Readonly<Record<string, object>> = {
  store: new StoreOverRpc(client),
  blobs: new BlobsOverRpc(client),
  config: new ConfigOverRpc(client),
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
await client.stop();
