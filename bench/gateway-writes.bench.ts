import { startServer, type TestServer } from "#testing/start-server.ts";
import { median, round, type BenchRow } from "./bench-row.ts";
import { generateLoad, type LoadResult } from "./load-generator.ts";

const rounds = 5;
const durationMs = 2_500;
const perSecond = 2_000;
/** Waiting for a disk would show as far more; less is the noise of a shared machine. */
const ratioMax = 1.5;
const backend = new URL("fixtures/greeter", import.meta.url).pathname;
const program = new URL("fixtures/store-pace.ts", import.meta.url).pathname;

/**
 * What durable writes do to those who only call a service: the gateway's p99 while somebody writes 2,000 records a second,
 * against the same while he reads as many, which costs the server about as much but waits for no disk.
 */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", backend]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const results = { write: [] as LoadResult[], read: [] as LoadResult[] };
  for (let index = 0; index <= rounds; index += 1) {
    for (const work of ["read", "write"] as const) {
      const result = await measureBeside(server, work);
      if (index > 0) results[work].push(result);
    }
  }
  const p99 = (all: readonly LoadResult[]): number => median(all.map((each) => each.p99Ms));
  const ratio = p99(results.write) / p99(results.read);
  return [
    {
      question: `gateway: p99 beside ${perSecond} durable writes a second, 8 connections`,
      ours: `${round(p99(results.write), 1)} ms`,
      baseline: `${round(p99(results.read), 1)} ms (beside as many reads)`,
      ratio: round(ratio, 2),
      target: `≤ ${round(ratioMax, 2)}`,
      isMet: ratio <= ratioMax,
    },
  ];
}

async function measureBeside(server: TestServer, work: "read" | "write"): Promise<LoadResult> {
  const env = {
    ...server.env,
    ADDRESS: server.addresses.network,
    TOKEN: await server.token(),
    WORK: work,
    PER_SECOND: String(perSecond),
  };
  const child = Bun.spawn([process.execPath, program], { env, stdout: "pipe", stderr: "inherit" });
  try {
    await child.stdout.getReader().read();
    const body = JSON.stringify({ name: "Jane" });
    const load = { address: server.addresses.gateway, path: "/greeter/Call", body, connections: 8, durationMs };
    const result = await generateLoad(load);
    if (result.failures > 0) throw new Error(`${result.failures} answers were failures`);
    return result;
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
