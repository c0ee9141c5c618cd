import type { BrokerSubject, TestSubscription } from "#conformance/broker-suite.ts";
import type { Blobs } from "#interface/blob.ts";
import type { Config } from "#interface/config.ts";
import type { ConsumeOptions, Consumer, Events } from "#interface/events.ts";
import type { Store } from "#interface/store.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { Bridge } from "./bridge.ts";
import type { DeskConsumer } from "./consumer-desk.ts";
import type { DeskMessage } from "./subscription-desk.ts";

/** The blocks as a program on Node reaches them through the framework. */
export interface NodeSdk extends AsyncDisposable {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly config: Config;
  readonly broker: Omit<BrokerSubject, keyof AsyncDisposable>;
  readonly events: Events;
  version(): Promise<string>;
}

/** Null where there is no Node. */
export const nodePath = Bun.which("node");

/** Bundles the program for Node. */
export async function buildHost(): Promise<TempFolder> {
  const folder = await createTempFolder();
  const entrypoints = [new URL("bridge-host.ts", import.meta.url).pathname];
  const built = await Bun.build({ entrypoints, target: "node", format: "esm", outdir: folder.path, throw: false });
  if (!built.success) throw new Error(built.logs.map(String).join("\n"));
  await Bun.write(`${folder.path}/package.json`, '{"type": "module"}');
  return folder;
}

/** Starts the program. @param host what {@link buildHost} made */
export function startNodeSdk(host: TempFolder, server: { readonly address: string; readonly token: string }): NodeSdk {
  const child = Bun.spawn([nodePath ?? "node", `${host.path}/bridge-host.js`], {
    env: { ...baseEnvironment(), ADDRESS: server.address, TOKEN: server.token },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const bridge = new Bridge({
    side: "suite",
    send: (line) => {
      void child.stdin.write(`${line}\n`);
      void child.stdin.flush();
    },
    call: () => undefined,
  });
  const read = readLines(child.stdout, (line) => bridge.receive(line)).finally(() => bridge.close());
  return {
    store: createTarget(bridge, "store") as Store,
    blobs: createTarget(bridge, "blobs") as Blobs,
    config: { ...(createTarget(bridge, "config") as Config), watch: watchThrough(bridge) },
    broker: {
      ...(createTarget(bridge, "broker") as Pick<BrokerSubject, "publish" | "state">),
      subscribe: (options) => subscribeThrough(bridge, options),
    },
    events: { ...(createTarget(bridge, "events") as Events), consume: (options) => consumeThrough(bridge, options) },
    version: async () => String(await bridge.call("process", "version", [])),
    [Symbol.asyncDispose]: async () => {
      await child.stdin.end();
      await read;
      await child.exited;
    },
  };
}

const methods: Readonly<Record<string, readonly string[]>> = {
  store: ["read", "list", "keys", "write", "databases", "tables"],
  blobs: ["write", "stat", "read", "delete", "list"],
  config: ["read", "set", "delete", "history", "rollback", "rotateKey"],
  broker: ["publish", "state"],
  events: [
    "publish",
    "publishBatch",
    "read",
    "acknowledge",
    "refuse",
    "topics",
    "groups",
    "setRetention",
    "deleteTopic",
    "deleteGroup",
    "redrive",
  ],
};

function createTarget(bridge: Bridge, target: string): object {
  const entries = (methods[target] ?? []).map((method) => [
    method,
    (...args: unknown[]) => bridge.call(target, method, args),
  ]);
  return Object.fromEntries(entries) as object;
}

/** A watch is there at once and begins when it is read; the other side has it a line later. */
function watchThrough(bridge: Bridge): Config["watch"] {
  return (...args) => ({
    [Symbol.asyncIterator]: () => {
      let stream: Promise<AsyncIterator<unknown>> | undefined;
      const begin = (): Promise<AsyncIterator<unknown>> =>
        (stream ??= bridge
          .call("config", "watch", args)
          .then((found) => (found as AsyncIterable<unknown>)[Symbol.asyncIterator]()));
      return {
        next: async () => (await (await begin()).next()) as never,
        return: async () => {
          await (await begin()).return?.();
          return { done: true, value: undefined };
        },
      };
    },
  });
}

async function subscribeThrough(
  bridge: Bridge,
  options: Parameters<BrokerSubject["subscribe"]>[0],
): Promise<TestSubscription> {
  const id = await bridge.call("subscriptions", "subscribe", [options]);
  const waiting: DeskMessage[] = [];
  let dropped = 0;
  return {
    next: async () => {
      if (waiting.length === 0) {
        waiting.push(...((await bridge.call("subscriptions", "take", [id])) as readonly DeskMessage[]));
      }
      const next = waiting.shift();
      if (next === undefined) throw new Error("an empty answer came");
      ({ dropped } = next);
      return next.message;
    },
    get dropped() {
      return dropped;
    },
    leave: async () => {
      await bridge.call("subscriptions", "leave", [id]);
    },
  };
}

/** A consumer is there at once; the other side has it a line later, and hears everything in order. */
function consumeThrough(bridge: Bridge, options: ConsumeOptions): Consumer {
  const opened = bridge.call("consumers", "consume", [options]) as Promise<DeskConsumer>;
  const tell = (method: string, ...args: readonly unknown[]): void => {
    // A consumer that was refused says so to who reads it.
    opened.then(({ id }) => bridge.call("consumers", method, [id, ...args])).catch(() => undefined);
  };
  return {
    acknowledge: (sequences) => tell("acknowledge", sequences),
    refuse: (sequence, delayMs) => tell("refuse", sequence, delayMs),
    extend: (sequences) => tell("extend", sequences),
    giveBack: (sequences) => tell("giveBack", sequences),
    [Symbol.asyncIterator]: () => {
      const reader = opened.then(({ batches }) => batches[Symbol.asyncIterator]());
      reader.catch(() => undefined);
      return {
        next: async () => (await reader).next(),
        return: async () => {
          await (await reader).return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  // A line of some MB comes in many pieces, which are looked at once each.
  let begun: string[] = [];
  for await (const chunk of stream) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    begun.push(first);
    for (const next of others) {
      take(begun.join(""));
      begun = [next];
    }
  }
}
