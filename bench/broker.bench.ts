import { compareRates, type BenchRow } from "./bench-row.ts";
import type { FanOutFigures } from "./fixtures/broker-fan-out.ts";
import { startNatsServer } from "./nats-server.ts";

const rounds = 5;

/** Messages to many and from one, through our broker and through NATS, each with its own client in a process of its own. */
export async function bench(): Promise<readonly BenchRow[]> {
  await using nats = await startNatsServer();
  await using broker = await startBrokerServer();
  const ours: FanOutFigures[] = [];
  const theirs: FanOutFigures[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await measure("broker-client", { NETWORK: broker.address, TOKEN: "none" }));
    theirs.push(await measure("broker-nats-client", { NATS: nats.address }));
  }
  return [
    toRow("broker: fan-out of 16 B to 4 SDK subscribers", "deliveredPerSecond", { ours, theirs, target: 0.5 }),
    toRow("broker: 16 B from one SDK publisher", "publishedPerSecond", { ours, theirs }),
  ];
}

function toRow(
  question: string,
  figure: keyof FanOutFigures,
  { ours, theirs, ...target }: { ours: readonly FanOutFigures[]; theirs: readonly FanOutFigures[]; target?: number },
): BenchRow {
  const rates = (all: readonly FanOutFigures[]): number[] => all.map((each) => each[figure]);
  return compareRates({ question, ours: rates(ours), baseline: rates(theirs), name: "NATS", ...target });
}

async function startBrokerServer(): Promise<{ readonly address: string } & AsyncDisposable> {
  const script = new URL("fixtures/broker-server.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value = new Uint8Array() } = await child.stdout.getReader().read();
  return {
    address: new TextDecoder().decode(value).trim(),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}

async function measure(name: string, env: Readonly<Record<string, string>>): Promise<FanOutFigures> {
  const script = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script], { env: { ...env }, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${name} failed`);
  return JSON.parse(text) as FanOutFigures;
}
