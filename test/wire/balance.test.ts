import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { delay } from "#base/lifecycle.ts";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import type { ServiceNode } from "#interface/registry.ts";
import { createHttpClient } from "#platform/http-client.ts";
import { GrpcTransport } from "#rpc/grpc-transport.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import { RpcClient } from "#rpc/rpc-client.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import type { OutgoingCall } from "#rpc/transport.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { echoEndpoints, startEdge, type Edge } from "./edge.ts";
import { startKillable, type Killable } from "./start-killable.ts";

let edge: Edge;
let caller: GrpcTransport;

beforeAll(async () => {
  edge = await startEdge();
  caller = new GrpcTransport();
});
afterAll(async () => {
  await caller.close();
  await edge[Symbol.asyncDispose]();
});

/** A call through the proxy that nobody repeats on this side. */
async function say(service: string, text: string, timeoutMs = 10_000): Promise<string> {
  const call: OutgoingCall = {
    service,
    endpoint: "Echo.Say",
    encoding: "json",
    metadata: {},
    deadlineMs: Date.now() + timeoutMs,
  };
  const answer = await caller.unary(edge.proxy, call, Buffer.from(JSON.stringify({ text, count: 0 })));
  return (JSON.parse(Buffer.from(answer).toString()) as { text: string }).text;
}

/** Makes `countMax` calls, so many at a time; tells who answered how often, and what failed. */
async function load(
  service: string,
  options: { readonly countMax: number; readonly atOnce: number; readonly timeoutMs?: number },
): Promise<{ byNode: Map<string, number>; failures: MicroError[] }> {
  const byNode = new Map<string, number>();
  const failures: MicroError[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    for (; begun < options.countMax;) {
      begun += 1;
      try {
        const pid = await say(service, "pid", options.timeoutMs);
        byNode.set(pid, (byNode.get(pid) ?? 0) + 1);
      } catch (reason) {
        failures.push(MicroError.from(reason));
      }
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  return { byNode, failures };
}

/** Registers nodes of one service; `http` as TypeScript services do, else gRPC alone. */
function register(name: string, addresses: readonly string[], isHttp: boolean): Promise<void> {
  const nodes: ServiceNode[] = addresses.map((address, index) => ({
    id: `${name}-${index}`,
    address,
    metadata: isHttp ? { http: address } : {},
  }));
  return edge.register({ name, domain: "micro", nodes, endpoints: echoEndpoints });
}

async function startNodes(count: number): Promise<Killable[]> {
  return Promise.all(Array.from({ length: count }, () => startKillable("127.0.0.1:0")));
}

for (const [protocol, isHttp] of [
  ["gRPC", false],
  ["HTTP/1.1", true],
] as const) {
  describe(`proxy, several nodes that speak ${protocol}`, () => {
    const name = isHttp ? "spread-http" : "spread-grpc";
    let nodes: Killable[];

    beforeAll(async () => {
      nodes = await startNodes(3);
      await register(
        name,
        nodes.map((each) => each.address),
        isHttp,
      );
    });
    afterAll(async () => {
      await Promise.all(nodes.map((each) => each.kill()));
    });

    it("spreads calls evenly", async () => {
      const { byNode, failures } = await load(name, { countMax: 900, atOnce: 16 });
      expect(failures).toEqual([]);
      expect(byNode.size).toBe(3);
      for (const count of byNode.values()) {
        expect(count).toBeGreaterThan(200);
        expect(count).toBeLessThan(400);
      }
    }, 30_000);

    it("leaves alone a node that hangs, and comes back to it when it goes on", async () => {
      const [first] = nodes;
      if (first === undefined) throw new Error("there is no node");
      first.suspend();
      const { byNode, failures } = await load(name, { countMax: 400, atOnce: 8, timeoutMs: 500 });
      // Those that were given to it before that showed, and now and then one that looks whether it still hangs.
      expect(failures.length).toBeLessThan(40);
      expect(new Set(failures.map((each) => each.code))).toEqual(new Set(["timeout"]));
      expect(byNode.has(String(first.pid))).toBe(false);
      first.resume();
      await waitUntil("it answers again", async () => (await say(name, "pid")) === String(first.pid));
    }, 30_000);

    it("loses no call that is made after a node died", async () => {
      const [first] = nodes;
      if (first === undefined) throw new Error("there is no node");
      const atOnce = 16;
      const busy = load(name, { countMax: 1_000, atOnce });
      await say(name, "pid");
      await first.kill();
      const { failures } = await busy;
      // At most what it had taken and not answered.
      expect(failures.length).toBeLessThanOrEqual(atOnce);
      const after = await load(name, { countMax: 300, atOnce });
      expect(after.failures).toEqual([]);
      expect(after.byNode.has(String(first.pid))).toBe(false);
    }, 30_000);

    it("says at once that a service cannot be reached when that has been so for a while, until it is back", async () => {
      await Promise.all(nodes.map((each) => each.kill()));
      await waitUntil("the circuit opens", async () => {
        const { failures } = await load(name, { countMax: 20, atOnce: 20 });
        return failures.some((each) =>
          each.detail.includes("could not be reached for a while; the next attempt is in"),
        );
      });
      const failure = (await load(name, { countMax: 1, atOnce: 1 })).failures[0];
      expect(failure).toMatchObject({ code: "unavailable", httpStatus: 503 });
      await using back = await startKillable(nodes[0]?.address ?? "");
      await waitUntil("it is called again", async () => {
        const { byNode } = await load(name, { countMax: 1, atOnce: 1 });
        return byNode.has(String(back.pid));
      });
      expect((await load(name, { countMax: 50, atOnce: 4 })).failures).toEqual([]);
    }, 30_000);
  });
}

describe("proxy, a slow node beside a quick one", () => {
  it("gives most calls to the quick one", async () => {
    const counts = { quick: 0, slow: 0 };
    const start = (kind: "quick" | "slow", waitMs: number) =>
      listenRpc({
        address: "127.0.0.1:0",
        server: createRpcServer({
          logger: silentLogger,
          name: kind,
          resolve: () => ({
            kind: "unary",
            unary: async (message) => {
              counts[kind] += 1;
              await delay(waitMs);
              return message;
            },
            stream: () => {
              throw new Error("there are no streams");
            },
          }),
        }),
      });
    const [quick, slow] = [await start("quick", 1), await start("slow", 100)];
    await register("uneven", [quick.address, slow.address], false);
    expect((await load("uneven", { countMax: 400, atOnce: 8 })).failures).toEqual([]);
    expect(counts.quick).toBeGreaterThan(3 * counts.slow);
    await Promise.all([quick.stop(0), slow.stop(0)]);
  }, 30_000);
});

describe("RpcClient towards a service that fails", () => {
  it("repeats no more than its budget allows, all callers together", async () => {
    let received = 0;
    const failing = await listenRpc({
      address: "127.0.0.1:0",
      server: createRpcServer({
        logger: silentLogger,
        name: "failing",
        resolve: () => {
          received += 1;
          throw new MicroError("internal", "always");
        },
      }),
    });
    const client = new RpcClient(
      {
        resolve: () => [{ id: "one", address: failing.address, metadata: {} }],
        http: new HttpTransport({ http: createHttpClient() }),
        grpc: new GrpcTransport(),
      },
      { backoff: { initialMs: 1 }, gate: { budget: { reserve: 10, share: 0.2 } } },
    );
    const call = { service: "failing", endpoint: "A.B", encoding: "json", metadata: {}, namespace: "micro" } as const;
    const work = async (): Promise<void> => {
      for (let count = 0; count < 25; count += 1) await client.unary(call, new Uint8Array(0)).catch(() => undefined);
    };
    await Promise.all(Array.from({ length: 8 }, work));
    // 200 calls, a fifth of them again, the reserve, and what of that came back meanwhile.
    expect(received).toBeGreaterThan(200);
    expect(received).toBeLessThan(200 + 40 + 10 + 20);
    await client.close();
    await failing.stop(0);
  }, 30_000);
});
