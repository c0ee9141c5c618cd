import { median } from "./bench-row.ts";
import { generateLoad, type LoadOptions, type LoadResult } from "./load-generator.ts";
import { processorSeconds } from "./measure-process.ts";

export interface InterleaveOptions {
  readonly rounds: number;
  readonly connections: number;
  readonly durationMs: number;
}

/** What is asked in turn with others. */
export interface LoadTarget extends Omit<LoadOptions, "connections" | "durationMs"> {
  /** The process whose time is taken. */
  readonly pid: number;
}

/** How much longer the round is that is not counted: a program of many parts is compiled later than one of few. */
const warmUpFactor = 6;

/** One round of one target. */
export interface RoundResult extends LoadResult {
  /** Processor time of the process for one request. It says more than the rate where others use the machine too. */
  readonly cpuMicros: number;
}

/**
 * The same load on each target in turn, some rounds; a longer one before them is not counted, in which programs are compiled
 * while they run. What else the machine does falls on all of them alike.
 *
 * @throws Error when an answer was a failure: a fast refusal is no figure.
 */
export async function interleave<K extends string>(
  targets: Readonly<Record<K, LoadTarget>>,
  { rounds, connections, durationMs }: InterleaveOptions,
): Promise<Readonly<Record<K, readonly RoundResult[]>>> {
  const names = Object.keys(targets) as K[];
  const results = Object.fromEntries(names.map((name) => [name, [] as RoundResult[]])) as Record<K, RoundResult[]>;
  for (let index = 0; index <= rounds; index += 1) {
    for (const name of index % 2 === 0 ? names : names.toReversed()) {
      const { pid, ...target }: LoadTarget = targets[name];
      const before = await processorSeconds(pid);
      const lasts = index === 0 ? warmUpFactor * durationMs : durationMs;
      const result = await generateLoad({ ...target, connections, durationMs: lasts });
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} answers were failures`);
      const seconds = (await processorSeconds(pid)) - before;
      if (index > 0) results[name].push({ ...result, cpuMicros: (seconds * 1_000_000) / result.answers });
    }
  }
  return results;
}

/** The median of what `value` is in a round of ours over the baseline's in the same round. */
export function ratioOf(
  ours: readonly RoundResult[],
  baseline: readonly RoundResult[],
  value: (result: RoundResult) => number,
): number {
  return median(
    ours.map((each, index) => {
      const other = baseline[index];
      return other === undefined ? Number.NaN : value(each) / value(other);
    }),
  );
}
