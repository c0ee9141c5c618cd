import type { Blobs } from "#interface/blob.ts";
import type { Config } from "#interface/config.ts";
import type { Store } from "#interface/store.ts";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { Bridge } from "./bridge.ts";

/** The blocks as a program on Node reaches them through the framework. */
export interface NodeSdk extends AsyncDisposable {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly config: Config;
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

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
