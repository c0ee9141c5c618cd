import { startServer } from "#testing/start-server.ts";
import { count, median, round, type BenchRow } from "./bench-row.ts";
import type { StoreRates } from "./fixtures/store-work.ts";
import { startNatsServer } from "./nats-server.ts";

const rounds = 3;
const few = 1_000;
const many = 1_000_000;
/** Takes minutes and some GiB of disk. */
const mostEnvironment = "MICRO_BENCH_STORE_RECORDS";

/** What the store costs: its driver against bare SQLite, calls to it against NATS' key-value store, few records against many. */
export async function bench(): Promise<readonly BenchRow[]> {
  return [await driverRow(), ...(await remoteRows()), ...(await flatnessRows())];
}

async function driverRow(): Promise<BenchRow> {
  const ours: number[] = [];
  const raw: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push((await measure("store-driver", {})).writesPerSecond);
    raw.push((await measure("store-driver", { RAW: "1" })).writesPerSecond);
  }
  return compare({
    question: "store: the driver alone, durable, 64 writers, 128 B",
    ours,
    baseline: raw,
    name: "bare SQLite, 64 writes a commit",
    target: 0.7,
  });
}

async function remoteRows(): Promise<readonly BenchRow[]> {
  await using server = await startServer();
  await using nats = await startNatsServer();
  const env = { ...server.env, ADDRESS: server.addresses.network, TOKEN: await server.token() };
  const ours: StoreRates[] = [];
  const theirs: StoreRates[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await measure("store-client", env));
    theirs.push(await measure("store-nats", { ADDRESS: nats.address }));
  }
  return [
    compare({
      question: "store: durable writes over RPC, 64 in flight, one SDK client, 128 B",
      ours: ours.map((each) => each.writesPerSecond),
      baseline: theirs.map((each) => each.writesPerSecond),
      name: "NATS key-value puts, not synced",
      target: 1,
    }),
    compare({
      question: "store: reads over RPC, 64 in flight, one SDK client, 128 B",
      ours: ours.map((each) => each.readsPerSecond),
      baseline: theirs.map((each) => each.readsPerSecond),
      name: "NATS key-value gets",
      target: 2,
    }),
  ];
}

async function flatnessRows(): Promise<readonly BenchRow[]> {
  const most = Number(process.env[mostEnvironment] ?? many);
  const small: StoreRates[] = [];
  const spread: StoreRates[] = [];
  const all: StoreRates[] = [];
  for (let index = 0; index < rounds; index += 1) {
    small.push(await measure("store-driver", { RECORDS: String(few) }));
    spread.push(await measure("store-driver", { RECORDS: String(most), KEYS: String(few) }));
    all.push(await measure("store-driver", { RECORDS: String(most) }));
  }
  const row = (keys: string, big: readonly StoreRates[], what: "writes" | "reads"): BenchRow => {
    const rate = (each: StoreRates): number => (what === "writes" ? each.writesPerSecond : each.readsPerSecond);
    return compare({
      question: `store: ${what} of ${keys}, in a store of ${count(most)} records, the driver alone`,
      ours: big.map(rate),
      baseline: small.map(rate),
      name: `all keys of a store of ${count(few)}`,
      target: 0.5,
    });
  };
  const some = `${count(few)} keys spread evenly`;
  const any = "keys at random";
  return [row(some, spread, "writes"), row(some, spread, "reads"), row(any, all, "writes"), row(any, all, "reads")];
}

interface Comparison {
  readonly question: string;
  /** Calls a second, one a round. */
  readonly ours: readonly number[];
  readonly baseline: readonly number[];
  /** What the baseline is. */
  readonly name: string;
  readonly target: number;
}

function compare({ question, ours, baseline, name, target }: Comparison): BenchRow {
  // Round by round, because a machine that is busy for a while is busy for both.
  const ratio = median(ours.map((each, index) => each / (baseline[index] ?? Number.NaN)));
  return {
    question,
    ours: `${count(median(ours))}/s`,
    baseline: `${count(median(baseline))}/s (${name})`,
    ratio: round(ratio, 2),
    target: `≥ ${round(target, 1)}`,
    isMet: ratio >= target,
  };
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
