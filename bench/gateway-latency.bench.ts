import { startServer } from "#testing/start-server.ts";
import { median, round, type BenchRow } from "./bench-row.ts";
import { backendAddress } from "./gateway.bench.ts";
import { generateOpenLoad, type OpenLoopResult } from "./open-loop.ts";

const greeter = new URL("fixtures/greeter", import.meta.url).pathname;
const rounds = 9;
const load = { connections: 16, perSecond: 1_000, durationMs: 3_000 };

/** What the gateway adds to a call of 1 KB, at a rate that leaves it time: the same calls straight to the service, in turn. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", greeter]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const body = JSON.stringify({ name: "x".repeat(1_000) });
  const targets = {
    direct: { ...load, address: await backendAddress(server), path: "/greeter.Greeter/Call", body },
    gateway: { ...load, address: server.addresses.gateway, path: "/greeter/Call", body },
  };
  const results: Record<keyof typeof targets, OpenLoopResult[]> = { direct: [], gateway: [] };
  for (let index = 0; index <= rounds; index += 1) {
    for (const name of ["direct", "gateway"] as const) {
      const result = await generateOpenLoad(targets[name]);
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} answers were failures`);
      if (index > 0) results[name].push(result);
    }
  }
  const row = (share: string, of: (result: OpenLoopResult) => number, target: number): BenchRow => {
    const through = median(results.gateway.map(of));
    const direct = median(results.direct.map(of));
    const added = median(results.gateway.map((each, index) => of(each) - of(results.direct[index] ?? each)));
    return {
      question: `gateway: added latency at 1,000 req/s, 1 KB, 16 connections, open loop, ${share}`,
      ours: `${round(through, 2)} ms`,
      baseline: `${round(direct, 2)} ms (the service itself)`,
      ratio: `+${round(added, 2)} ms`,
      target: `≤ ${round(target, 1)} ms`,
      isMet: added <= target,
    };
  };
  return [
    row("p50", ({ p50Ms }) => p50Ms, 1),
    row("p90", ({ p90Ms }) => p90Ms, 1.5),
    row("p99", ({ p99Ms }) => p99Ms, 2.9),
  ];
}
