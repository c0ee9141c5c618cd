import { startServer } from "#testing/start-server.ts";
import { count, median, round, type BenchRow } from "./bench-row.ts";
import type { CallCost } from "./fixtures/call-many.ts";

const rounds = 5;
const example = new URL("../examples/greeter-proto", import.meta.url).pathname;

/** What a call through the network costs its caller: the framework's client against grpc-js, to the same service, in turn. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  const run = await server.micro(["run", example]);
  if (run.code !== 0) throw new Error(`micro run failed: ${run.stderr}${run.stdout}`);
  const env = {
    ...server.env,
    NETWORK: server.addresses.network,
    TOKEN: await server.token(),
    PROTO: `${example}/greeter.proto`,
  };
  const ours: CallCost[] = [];
  const theirs: CallCost[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await measure("sdk-caller", env));
    theirs.push(await measure("grpc-js-caller", env));
  }
  const ratio = median(ours.map((each, index) => each.cpuMicros / (theirs[index]?.cpuMicros ?? Number.NaN)));
  return [
    {
      question: "unary call from SDK to SDK through the network: CPU of the caller per call",
      ours: figure(ours),
      baseline: `${figure(theirs)} (grpc-js)`,
      ratio: round(ratio, 2),
      target: "≤ 1.00",
      isMet: ratio <= 1,
    },
  ];
}

function figure(costs: readonly CallCost[]): string {
  const micros = median(costs.map((each) => each.cpuMicros));
  return `${round(micros, 0)} µs, ${count(median(costs.map((each) => each.perSecond)))} calls/s`;
}

async function measure(name: string, env: Readonly<Record<string, string>>): Promise<CallCost> {
  const script = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script], { env: { ...env }, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${name} failed`);
  return JSON.parse(text) as CallCost;
}
