import { startServer, type TestServer } from "#testing/start-server.ts";
import { compareRates, count, type BenchRow } from "./bench-row.ts";
import type { StoreRates } from "./fixtures/store-work.ts";
import { startNatsServer } from "./nats-server.ts";
import { startRedisServer } from "./redis-server.ts";

const rounds = 5;
const few = 1_000;
const many = 1_000_000;
/** More of them take minutes and some GiB of disk. */
const mostEnvironment = "MICRO_BENCH_STORE_RECORDS";

/** What the store costs: its driver against bare SQLite, calls to it against other stores, few records against many. */
export async function bench(): Promise<readonly BenchRow[]> {
  return [await driverRow(), ...(await remoteRows()), ...(await flatnessRows())];
}

async function driverRow(): Promise<BenchRow> {
  const ours: StoreRates[] = [];
  const raw: StoreRates[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await measure("store-driver", {}));
    raw.push(await measure("store-driver", { RAW: "1" }));
  }
  return compareRates({
    question: "store: the driver alone, durable, 64 writers, 128 B",
    ours: ours.map(toWrites),
    baseline: raw.map(toWrites),
    name: "bare SQLite, 64 writes a commit",
    target: 0.7,
  });
}

async function remoteRows(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  await using nats = await startNatsServer();
  await using redis = await startRedisServer();
  const access = await toAccess(server);
  const ours: StoreRates[] = [];
  const theirs: StoreRates[] = [];
  const redisRates: StoreRates[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await measure("store-client", access));
    theirs.push(await measure("store-nats", { ADDRESS: nats.address }));
    if (redis !== undefined) redisRates.push(await measure("store-redis", { ADDRESS: redis.url }));
  }
  const writes = "store: durable writes over RPC, 64 in flight, one SDK client, 128 B";
  const reads = "store: reads over RPC, 64 in flight, one SDK client, 128 B";
  return [
    toRow(writes, toWrites, { ours, theirs, name: "NATS key-value puts, not synced", target: 1 }),
    toRow(reads, toReads, { ours, theirs, name: "NATS key-value gets", target: 2 }),
    ...(redis === undefined
      ? []
      : [
          toRow(writes, toWrites, { ours, theirs: redisRates, name: "Redis, AOF always" }),
          toRow(reads, toReads, { ours, theirs: redisRates, name: "Redis" }),
        ]),
  ];
}

/** Two servers, one with few records and one with many; what is asked for is scattered over all of them. */
async function flatnessRows(): Promise<readonly BenchRow[]> {
  const most = Number(process.env[mostEnvironment] ?? many);
  await using small = await startServer();
  await using big = await startServer();
  const fewRecords = { ...(await toAccess(small)), RECORDS: String(few) };
  const allRecords = { ...(await toAccess(big)), RECORDS: String(most) };
  await measure("store-fill", fewRecords);
  await measure("store-fill", allRecords);
  const ours: StoreRates[] = [];
  const theirs: StoreRates[] = [];
  for (let index = 0; index < rounds; index += 1) {
    theirs.push(await measure("store-client", fewRecords));
    ours.push(await measure("store-client", allRecords));
  }
  const name = `of a store of ${count(few)}`;
  const row = (what: string, toRate: (each: StoreRates) => number): BenchRow =>
    toRow(`store: ${what} over RPC of keys at random, in a store of ${count(most)} records`, toRate, {
      ours,
      theirs,
      name,
      target: 0.7,
    });
  return [row("durable writes", toWrites), row("reads", toReads)];
}

interface Sides {
  readonly ours: readonly StoreRates[];
  readonly theirs: readonly StoreRates[];
  /** Who they are. */
  readonly name: string;
  readonly target?: number;
}

function toRow(
  question: string,
  toRate: (each: StoreRates) => number,
  { ours, theirs, name, ...target }: Sides,
): BenchRow {
  return compareRates({ question, ours: ours.map(toRate), baseline: theirs.map(toRate), name, ...target });
}

function toWrites({ writesPerSecond }: StoreRates): number {
  return writesPerSecond;
}

function toReads({ readsPerSecond }: StoreRates): number {
  return readsPerSecond;
}

async function toAccess(server: TestServer): Promise<Readonly<Record<string, string>>> {
  return { ...server.env, ADDRESS: server.addresses.network, TOKEN: await server.token() };
}

async function measure(name: string, env: Readonly<Record<string, string>>): Promise<StoreRates> {
  const script = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const inherited = { PATH: process.env["PATH"] ?? "", TMPDIR: process.env["TMPDIR"] ?? "/tmp" };
  const child = Bun.spawn([process.execPath, script], {
    env: { ...inherited, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${name} failed`);
  return JSON.parse(text) as StoreRates;
}
