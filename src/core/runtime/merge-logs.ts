import { AsyncQueue } from "#base/async-queue.ts";
import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { LogLine, LogQuery } from "#interface/runtime.ts";
import type { LogSource } from "./log-source.ts";
import { mergeSorted } from "./merge-sorted.ts";
import { SerialQueue } from "./serial-queue.ts";

/** A line and what it is from. */
export interface SourcedLine {
  readonly source: LogSource;
  readonly line: LogLine;
}

/** Several logs as one, in the order of their times; `count` is for all of them together. */
export async function* mergeLogs(
  clock: Clock,
  sources: readonly LogSource[],
  query: LogQuery,
): AsyncGenerator<SourcedLine> {
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) {
    yield* readSource(only, query);
    return;
  }
  // The past ends here and the following begins here, so that no line comes twice or not at all.
  const nowMs = clock.now();
  const { follow = false, ...history } = query;
  const isPast = ({ line }: SourcedLine): boolean => !follow || line.timestampMs < nowMs;
  const past = mergeSorted(
    sources.map((source) => filterLines(readSource(source, history), isPast)),
    ({ line }) => line.timestampMs,
  );
  yield* query.count === undefined ? past : lastOf(past, query.count);
  if (!follow) return;
  const { count: _count, ...rest } = query;
  yield* followAll(sources, { ...rest, sinceMs: Math.max(nowMs, query.sinceMs ?? 0) });
}

async function* readSource(source: LogSource, query: LogQuery): AsyncGenerator<SourcedLine> {
  for await (const line of source.read(query)) yield { source, line };
}

async function* filterLines(
  lines: AsyncIterable<SourcedLine>,
  isWanted: (line: SourcedLine) => boolean,
): AsyncGenerator<SourcedLine> {
  for await (const line of lines) if (isWanted(line)) yield line;
}

/** The last so many, without keeping the others. */
async function* lastOf(lines: AsyncIterable<SourcedLine>, count: number): AsyncGenerator<SourcedLine> {
  let kept: SourcedLine[] = [];
  for await (const line of lines) {
    kept.push(line);
    if (kept.length > 2 * count + 1_000) kept = kept.slice(-count);
  }
  if (count > 0) yield* kept.slice(-count);
}

async function* followAll(sources: readonly LogSource[], query: LogQuery): AsyncGenerator<SourcedLine> {
  const leave = new AbortController();
  const signal = query.signal === undefined ? leave.signal : AbortSignal.any([query.signal, leave.signal]);
  const merged = new AsyncQueue<SourcedLine>(limits.watchQueueCountMax);
  const turns = new SerialQueue();
  const readers = sources.map(async (source) => {
    for await (const line of source.read({ ...query, follow: true, signal })) {
      await turns.run(() => pushWhenFree(merged, { source, line }));
    }
  });
  const ended = Promise.allSettled(readers).then(() => merged.close());
  try {
    yield* merged;
  } finally {
    leave.abort();
    await merged.return();
    await ended;
  }
}

/** A reader that is too slow holds up those behind, which read from files and wait at no cost. */
async function pushWhenFree(queue: AsyncQueue<SourcedLine>, item: SourcedLine): Promise<void> {
  while (!queue.push(item) && !queue.isClosed) {
    await new Promise<void>((resolve) => {
      queue.onceDrained(resolve);
    });
  }
}
