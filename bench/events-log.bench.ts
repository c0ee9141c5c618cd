import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { compareRates, count, type BenchRow } from "./bench-row.ts";

const rounds = 5;
const roundMs = 2_000;
const inFlight = 200;
const payloadBytes = 128;
const replayCount = 1_000_000;
const key = { namespace: "micro", topic: "bench" };

/** What the event log adds to SQLite, and whether a long topic reads as fast at its end as at its start. */
export async function bench(): Promise<readonly BenchRow[]> {
  return [await compareWriters(), ...(await compareSizes())];
}

async function compareWriters(): Promise<BenchRow> {
  await using temp = await createTempFolder();
  const log = await SqliteEventLog.open({ folder: temp.path });
  const bare = new Worker(new URL("./fixtures/bare-writer-worker.ts", import.meta.url));
  await writeBare(bare, `${temp.path}/bare.db`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    ours.push(await perSecond((isOver) => publish(log, isOver)));
    theirs.push(
      await perSecond(async (isOver) => {
        let written = 0;
        while (!isOver()) written += await writeBare(bare);
        return written;
      }),
    );
  }
  bare.terminate();
  await log.close();
  return compareRates({
    question: `events: the driver alone, durable, ${inFlight} in flight, ${payloadBytes} B`,
    ours,
    baseline: theirs,
    name: `bare SQLite writer, ${inFlight} rows a commit`,
    target: 0.7,
  });
}

/** The same log with a topic of many events, and others that have none yet. */
async function compareSizes(): Promise<readonly BenchRow[]> {
  await using temp = await createTempFolder();
  const log = await SqliteEventLog.open({ folder: temp.path });
  const payload = new Uint8Array(payloadBytes);
  const events = Array.from({ length: inFlight }, () => ({ topic: key.topic, payload }));
  for (let written = 0; written < replayCount; written += inFlight)
    await log.write({ namespace: key.namespace, events });
  const tenth = replayCount / 10;
  const starts: number[] = [];
  const ends: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    starts.push(replay(log, 1, tenth));
    ends.push(replay(log, replayCount - tenth + 1, replayCount));
  }
  const big: number[] = [];
  const small: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    small.push(await perSecond((isOver) => publish(log, isOver, `new-${index}`)));
    big.push(await perSecond((isOver) => publish(log, isOver)));
  }
  await log.close();
  const size = count(replayCount);
  return [
    compareRates({
      question: `events: replay of a topic of ${size}, its end against its start, 256 at a time`,
      ours: ends,
      baseline: starts,
      name: "its start",
      target: 0.9,
    }),
    compareRates({
      question: `events: the driver alone, durable, published to a topic of ${size}, ${inFlight} in flight`,
      ours: big,
      baseline: small,
      name: "to a new topic",
      target: 0.9,
    }),
  ];
}

/** Events a second, reading a part of the topic. */
function replay(log: SqliteEventLog, from: number, to: number): number {
  const start = performance.now();
  let sequence = from;
  while (sequence <= to) {
    const events = log.read(key, { sequence, countMax: 256, bytesMax: 4 * 1_024 * 1_024 });
    sequence = (events.at(-1)?.sequence ?? to) + 1;
  }
  return ((to - from + 1) * 1_000) / (performance.now() - start);
}

/** Many publishers, each with one event on its way, until time is up. Says how many were acknowledged. */
async function publish(log: SqliteEventLog, isOver: () => boolean, topic = key.topic): Promise<number> {
  const payload = crypto.getRandomValues(new Uint8Array(payloadBytes));
  let published = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (!isOver()) {
        await log.write({ namespace: key.namespace, events: [{ topic, payload }] });
        published += 1;
      }
    }),
  );
  return published;
}

async function perSecond(work: (isOver: () => boolean) => Promise<number>): Promise<number> {
  const start = performance.now();
  const done = await work(() => performance.now() - start > roundMs);
  return (done * 1_000) / (performance.now() - start);
}

/** One batch; says how many rows it had. */
function writeBare(worker: Worker, path?: string): Promise<number> {
  const payloads = crypto.getRandomValues(new Uint8Array(inFlight * payloadBytes)).buffer;
  return new Promise((resolve) => {
    worker.addEventListener("message", (event: MessageEvent<number>) => resolve(event.data), { once: true });
    worker.postMessage({ ...(path === undefined ? {} : { path }), payloads, payloadBytes }, [payloads]);
  });
}
