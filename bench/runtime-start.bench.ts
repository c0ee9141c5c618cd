import { readFileSync, readlinkSync } from "node:fs";
import { createClient, type Client } from "micro-ts/client";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { median, round, type BenchRow } from "./bench-row.ts";

const folder = new URL("fixtures/greeter", import.meta.url).pathname;
const rounds = 15;
/** Pause between two looks at the registry, the same for both sides. */
const lookMs = 1;

/** What the runtime tells its own processes, and others do not get. */
const ownVariables: ReadonlySet<string> = new Set([
  "MICRO_SERVICE_ADDRESS",
  "MICRO_SERVICE_INSTANCE",
  "MICRO_CLIENT_ID",
  "MICRO_CLIENT_SECRET",
]);

/** A process as the system shows it. */
interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/**
 * From the wish for one more process of a service that runs to its node in the registry, which callers then reach, against
 * a start of the same process by hand, with the same command and environment, in turn.
 */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", folder]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const program = await readProgram(server);
  const client = createClient({ address: server.addresses.network, token: await server.token() });
  const [ours, bare]: [number[], number[]] = [[], []];
  try {
    for (let index = 0; index < rounds; index += 1) {
      ours.push(await timeRuntime(client));
      bare.push(await timeBare(client, program));
    }
  } finally {
    await client.stop();
  }
  const ratio = median(ours.map((each, index) => each / (bare[index] ?? Number.NaN)));
  return [
    {
      question: "runtime: one more process of what is built, from the wish to its node in the registry",
      ours: `${round(median(ours), 0)} ms`,
      baseline: `${round(median(bare), 0)} ms (the same process, started by hand)`,
      ratio: round(ratio, 2),
      target: "≤ 1.50",
      isMet: ratio <= 1.5,
    },
  ];
}

async function timeRuntime(client: Client): Promise<number> {
  const startMs = performance.now();
  const scaled = scale(client, 2);
  await untilNodes(client, 2);
  const tookMs = performance.now() - startMs;
  await scaled;
  await scale(client, 1);
  await untilNodes(client, 1);
  return tookMs;
}

async function timeBare(client: Client, { argv, env, cwd }: Program): Promise<number> {
  const startMs = performance.now();
  const child = Bun.spawn([...argv], { env, cwd, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  await untilNodes(client, 2);
  const tookMs = performance.now() - startMs;
  child.kill();
  await child.exited;
  await untilNodes(client, 1);
  return tookMs;
}

async function scale(client: Client, instances: number): Promise<void> {
  const service = { name: "greeter", version: "latest" };
  await client.call("runtime", "Runtime.Scale", { resource: { service }, options: { instances } });
}

/** Calls reach so many nodes: the registry tells of those alone that have been let in. */
async function untilNodes(client: Client, wanted: number): Promise<void> {
  for (;;) {
    const { services } = await client.call<Found>("registry", "Registry.GetService", { service: "greeter" });
    const count = services.reduce((sum, { nodes }) => sum + nodes.length, 0);
    if (count === wanted) return;
    await Bun.sleep(lookMs);
  }
}

interface Found {
  readonly services: readonly { readonly nodes: readonly unknown[] }[];
}

/** What the runtime has started, with the credentials of this machine in place of its own. */
async function readProgram(server: TestServer): Promise<Program> {
  const { stdout } = await server.micro(["status", "greeter", "--output", "json"]);
  const [service] = JSON.parse(stdout) as { readonly instances: readonly { readonly pid: number }[] }[];
  const process = `/proc/${service?.instances[0]?.pid}`;
  const words = (file: string): string[] => readFileSync(`${process}/${file}`, "utf8").split("\0").slice(0, -1);
  const variables = words("environ").map((each): [string, string] => {
    const end = each.indexOf("=");
    return [each.slice(0, end), each.slice(end + 1)];
  });
  const credentials = JSON.parse(readFileSync(`${server.home}/service-credentials.json`, "utf8")) as {
    readonly id: string;
    readonly secret: string;
  };
  const env = {
    ...Object.fromEntries(variables.filter(([name]) => !ownVariables.has(name))),
    MICRO_CLIENT_ID: credentials.id,
    MICRO_CLIENT_SECRET: credentials.secret,
  };
  return { argv: words("cmdline"), env, cwd: readlinkSync(`${process}/cwd`) };
}
