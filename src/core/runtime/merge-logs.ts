import { AsyncQueue } from "#base/async-queue.ts";
import type { Clock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import type { LogLine, LogQuery, Runtime, ServiceKey } from "#interface/runtime.ts";
import { SerialQueue } from "./serial-queue.ts";

/** A line and the version of the service that it is from. */
export interface KeyedLine {
  readonly key: ServiceKey;
  readonly line: LogLine;
}

export interface MergeLogsDeps {
  readonly runtime: Pick<Runtime, "logs">;
  readonly clock: Clock;
}

/** The logs of several versions as one, in the order of their times; `count` is for all of them together. */
export async function* mergeLogs(
  deps: MergeLogsDeps,
  keys: readonly ServiceKey[],
  query: LogQuery,
): AsyncGenerator<KeyedLine> {
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) {
    for await (const line of deps.runtime.logs(only, query)) yield { key: only, line };
    return;
  }
  // The past ends here and the following begins here, so that no line comes twice or not at all.
  const nowMs = deps.clock.now();
  const past: KeyedLine[] = [];
  const { follow, ...history } = query;
  for (const key of keys) {
    for await (const line of deps.runtime.logs(key, history)) {
      if (follow !== true || line.timestampMs < nowMs) past.push({ key, line });
    }
  }
  past.sort((left, right) => left.line.timestampMs - right.line.timestampMs);
  yield* query.count === undefined ? past : past.slice(-query.count);
  const sinceMs = Math.max(nowMs, query.sinceMs ?? 0);
  if (follow === true) yield* followAll(deps.runtime, keys, { follow, sinceMs, ...signalOf(query) });
}

async function* followAll(
  runtime: Pick<Runtime, "logs">,
  keys: readonly ServiceKey[],
  query: LogQuery,
): AsyncGenerator<KeyedLine> {
  const leave = new AbortController();
  const signal = query.signal === undefined ? leave.signal : AbortSignal.any([query.signal, leave.signal]);
  const merged = new AsyncQueue<KeyedLine>(limits.watchQueueCountMax);
  const turns = new SerialQueue();
  const readers = keys.map(async (key) => {
    for await (const line of runtime.logs(key, { ...query, signal })) {
      await turns.run(() => pushWhenFree(merged, { key, line }));
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

/** A reader that is too slow holds up the logs behind, which then say how much they left out. */
async function pushWhenFree(queue: AsyncQueue<KeyedLine>, item: KeyedLine): Promise<void> {
  while (!queue.push(item) && !queue.isClosed) {
    await new Promise<void>((resolve) => {
      queue.onceDrained(resolve);
    });
  }
}

function signalOf({ signal }: LogQuery): Pick<LogQuery, "signal"> {
  return signal === undefined ? {} : { signal };
}
