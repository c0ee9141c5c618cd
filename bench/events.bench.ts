import { startServer } from "#testing/start-server.ts";
import { compareRates, count, round, type BenchRow } from "./bench-row.ts";
import type { EventFigures } from "./fixtures/events-work.ts";
import { processorSeconds, residentMiB } from "./measure-process.ts";
import { startNatsServer } from "./nats-server.ts";
import { startRedisServer } from "./redis-server.ts";

const rounds = 5;

/** How many events pass while the memory of the server is looked at. */
const memoryCounts = [100_000, 900_000] as const;
/** Caches and heaps settle with the first events; what grows with every event shows after them. */
const growthMaxMiB = 48;

/**
 * Durable events through our client, on disk when they are acknowledged, against JetStream's file storage through its own,
 * which answers before its files are; each client in a process of its own, in turn.
 */
export async function bench(): Promise<readonly BenchRow[]> {
  await using nats = await startNatsServer();
  await using redis = await startRedisServer();
  await using server = await startServer();
  const network = { NETWORK: server.addresses.network, TOKEN: await server.token() };
  const measureRound = async (): Promise<Measured> => ({
    ours: [await measure("events-client", network, server.addresses.pid)],
    nats: [await measure("events-nats-client", { NATS: nats.address }, nats.pid)],
    redis: redis === undefined ? [] : [await measurePublish("events-redis-client", { REDIS: redis.url })],
  });
  // One that is not counted, in which the server is compiled while it runs, as the clients are before each of theirs.
  await measureRound();
  const measured: Measured = { ours: [], nats: [], redis: [] };
  for (let index = 0; index < rounds; index += 1) {
    const { ours, nats, redis } = await measureRound();
    measured.ours.push(...ours);
    measured.nats.push(...nats);
    measured.redis.push(...redis);
  }
  return [...toRows(measured), await measureMemory()];
}

/** Figures of one round, and how many events came and went for a second of processor time. */
type RoundFigures = EventFigures & { readonly perProcessorSecond: number };

interface Measured {
  readonly ours: RoundFigures[];
  readonly nats: RoundFigures[];
  /** Events published a second; empty where there is no Redis. */
  readonly redis: number[];
}

function toRows({ ours, nats, redis }: Measured): BenchRow[] {
  const question = "events: acknowledged and on disk, 200 in flight, 128 B, one SDK client";
  const published = ours.map((each) => each.publishedPerSecond);
  const jetStream = "JetStream, file, no fsync";
  const rows = [
    compareRates({
      question,
      ours: published,
      baseline: nats.map((each) => each.publishedPerSecond),
      name: jetStream,
      target: 4,
    }),
    compareRates({
      question: "events: consume with explicit ack",
      ours: ours.map((each) => each.consumedPerSecond),
      baseline: nats.map((each) => each.consumedPerSecond),
      name: jetStream,
      target: 1,
    }),
    compareRates({
      question:
        "events: published and consumed, both acknowledged, for a second of processor time of client and server",
      ours: ours.map((each) => each.perProcessorSecond),
      baseline: nats.map((each) => each.perProcessorSecond),
      name: jetStream,
    }),
  ];
  if (redis.length === 0) return rows;
  return [...rows, compareRates({ question, ours: published, baseline: redis, name: "Redis stream, AOF always" })];
}

async function measureMemory(): Promise<BenchRow> {
  await using server = await startServer();
  const network = { NETWORK: server.addresses.network, TOKEN: await server.token() };
  const { pid } = server.addresses;
  const startMiB = await residentMiB(pid);
  const afterMiB: number[] = [];
  for (const passed of memoryCounts) {
    await run("events-many", { ...network, COUNT: String(passed) });
    afterMiB.push(await residentMiB(pid));
  }
  const [earlyMiB = Number.NaN, lateMiB = Number.NaN] = afterMiB;
  const total = memoryCounts.reduce((sum, each) => sum + each, 0);
  return {
    question: `memory of the server while ${count(total)} events pass`,
    ours: `${round(startMiB, 0)} MiB at the start, ${round(lateMiB, 0)} at the end`,
    baseline: `${round(earlyMiB, 0)} MiB after the first ${count(memoryCounts[0])}`,
    ratio: `${round(lateMiB - earlyMiB, 0)} MiB more`,
    target: `≤ ${growthMaxMiB} MiB more`,
    isMet: lateMiB - earlyMiB <= growthMaxMiB,
  };
}

async function measure(name: string, env: Readonly<Record<string, string>>, serverPid: number): Promise<RoundFigures> {
  const before = await processorSeconds(serverPid);
  const { text, clientSeconds } = await run(name, env);
  const figures = JSON.parse(text) as EventFigures;
  const totalSeconds = clientSeconds + (await processorSeconds(serverPid)) - before;
  return { ...figures, perProcessorSecond: figures.eventCount / totalSeconds };
}

async function measurePublish(name: string, env: Readonly<Record<string, string>>): Promise<number> {
  const { text } = await run(name, env);
  return (JSON.parse(text) as Pick<EventFigures, "publishedPerSecond">).publishedPerSecond;
}

/** Runs a program; what it printed, and the processor time that it took. */
async function run(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly text: string; readonly clientSeconds: number }> {
  const script = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script], { env: { ...env }, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${name} failed`);
  return { text, clientSeconds: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1_000_000 };
}
