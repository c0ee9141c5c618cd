import { describe, expect, it } from "bun:test";
import { systemClock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import { silentLogger } from "#base/logger.ts";
import { describeRegistry, sampleEntry, type RegistrySubject } from "#conformance/registry-suite.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { createRegistryTable } from "#core/registry/registry-table.ts";
import type { Account } from "#interface/auth.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { fixedNode } from "#rpc/node-resolver.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { resolveTables } from "#rpc/service-table.ts";
import { TypedClient } from "#rpc/typed-client.ts";
import { RegistryOverRpc } from "./registry-over-rpc.ts";

describeRegistry("MemoryRegistry", () => {
  const registry = new MemoryRegistry({ clock: systemClock });
  return Promise.resolve({ registry, shortTtlMs: 20, [Symbol.asyncDispose]: () => registry.stop() });
});

describeRegistry("registry over RPC", startRemote);

describe("registry over RPC: watch without snapshots", () => {
  it("tells changes alone, also to a reader that fell behind", async () => {
    await using remote = await startRemote();
    const { memory, client } = remote;
    await memory.register(sampleEntry("old", "1", ["o"]), { domain: "micro" });
    const results = client.streamJson("registry", "Registry.Watch", [{}])[Symbol.asyncIterator]();
    const first = results.next();
    while (memory.watcherCount === 0) await new Promise((resolve) => setImmediate(resolve));
    await memory.register(sampleEntry("first", "1", ["f"]), { domain: "micro" });
    expect((await first).value).toMatchObject({ action: "create", service: { name: "first", nodes: [{ id: "f" }] } });

    await memory.deregister(sampleEntry("old", "1", ["o"]), { domain: "micro" });
    const count = 8 * limits.watchQueueCountMax;
    for (let index = 0; index < count; index += 1) {
      await memory.register(sampleEntry(`s${index}`, "1", ["n"]), { domain: "micro" });
    }
    const told = new Map<string, string>();
    while (told.size < count + 1) {
      const { value } = await results.next();
      const { action, service } = value as unknown as { action: string; service: { name: string } };
      expect(told.get(service.name)).toBeUndefined();
      told.set(service.name, action);
    }
    expect(told.get("old")).toBe("delete");
    expect(told.get("s0")).toBe("create");
    await results.return?.();
    while (memory.watcherCount > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

/** A registry on a real port, and a client that is an administrator there. */
async function startRemote(): Promise<
  RegistrySubject & { readonly memory: MemoryRegistry; readonly client: TypedClient }
> {
  const memory = new MemoryRegistry({ clock: systemClock });
  const administrator: Account = {
    id: "admin",
    type: "user",
    namespace: "micro",
    name: "admin",
    scopes: ["admin"],
    metadata: {},
  };
  const server = createRpcServer({
    name: "registry",
    logger: silentLogger,
    resolve: resolveTables([createRegistryTable(memory, "test")]),
    guard: (call) => {
      call.account = administrator;
    },
  });
  const listener = await listenRpc({ address: "127.0.0.1:0", server });
  const transports = { grpc: new GrpcTransport(), http: new HttpTransport({ http: createHttpClient() }) };
  const rpc = new RpcClient({ resolve: fixedNode(listener.address), ...transports });
  const client = new TypedClient(rpc, { namespace: "micro" });
  return {
    memory,
    client,
    registry: new RegistryOverRpc(client),
    shortTtlMs: 1_000,
    [Symbol.asyncDispose]: async () => {
      await rpc.close();
      await listener.stop(0);
      await memory.stop();
    },
  };
}
