import { startServer, type TestServer } from "#testing/start-server.ts";
import { count, median, round, type BenchRow } from "./bench-row.ts";
import { generateLoad, type LoadResult } from "./load-generator.ts";

const rounds = 5;
const durationMs = 2_500;
const backend = new URL("fixtures/greeter", import.meta.url).pathname;
const body = JSON.stringify({ name: "Jane" });

/** The gateway against the least that a reverse proxy on Bun can do, both in front of the same service, in turn. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", backend]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  await using proxy = await startBareProxy(await backendAddress(server));
  const token = await server.token();
  const targets = {
    bare: { address: proxy.address, path: "/greeter.Greeter/Call" },
    anonymous: { address: server.addresses.gateway, path: "/greeter/Call" },
    token: {
      address: server.addresses.gateway,
      path: "/greeter/Call",
      headers: { authorization: `Bearer ${token}` },
    },
  };
  const results: Record<keyof typeof targets, LoadResult[]> = { bare: [], anonymous: [], token: [] };
  for (let index = 0; index <= rounds; index += 1) {
    for (const name of ["bare", "anonymous", "token"] as const) {
      const result = await generateLoad({ ...targets[name], body, connections: 32, durationMs });
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} answers were failures`);
      if (index > 0) results[name].push(result);
    }
  }
  return [
    row("gateway: JSON POST to a TypeScript service, 32 connections, no token", results.anonymous, results.bare, 0.8),
    row("gateway: the same with a bearer token and access rules", results.token, results.bare, 0.75),
  ];
}

function row(question: string, ours: readonly LoadResult[], baseline: readonly LoadResult[], target: number): BenchRow {
  const ratio = median(ours.map((each, index) => each.perSecond / (baseline[index]?.perSecond ?? Number.NaN)));
  const figure = (results: readonly LoadResult[]): string =>
    `${count(median(results.map((each) => each.perSecond)))} req/s, p99 ${round(median(results.map((each) => each.p99Ms)), 1)} ms`;
  return {
    question,
    ours: figure(ours),
    baseline: `${figure(baseline)} (bare Bun proxy)`,
    ratio: round(ratio, 2),
    target: `≥ ${round(target, 2)}`,
    isMet: ratio >= target,
  };
}

/** Where the service itself listens for HTTP/1.1, as the registry has it. */
async function backendAddress(server: TestServer): Promise<string> {
  const found = await server.micro(["get", "service", "greeter", "--output", "json"]);
  const address = /"http": *"([^"]+)"/.exec(found.stdout)?.[1];
  if (address === undefined) throw new Error(`no http address in ${found.stdout}${found.stderr}`);
  return address;
}

async function startBareProxy(backend: string): Promise<AsyncDisposable & { readonly address: string }> {
  const script = new URL("./fixtures/bare-proxy.ts", import.meta.url).pathname;
  const unix = backend.startsWith("unix:") ? [backend.slice("unix:".length)] : [];
  const url = unix.length > 0 ? "http://localhost" : `http://${backend}`;
  const child = Bun.spawn([process.execPath, script, url, ...unix], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const first = await reader.read();
  const address = new TextDecoder().decode(first.value).trim();
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}
