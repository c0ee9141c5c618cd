import { count, median, round, type BenchRow } from "./bench-row.ts";
import { ratioOf, type RoundResult } from "./interleave.ts";

export interface ProxyRowOptions {
  readonly question: string;
  readonly ours: readonly RoundResult[];
  readonly baseline: readonly RoundResult[];
  /** What the baseline is. */
  readonly name: string;
  /** The least share of its rate. */
  readonly target: number;
}

/** A row that sets rates against each other. */
export function proxyRow({ question, ours, baseline, name, target }: ProxyRowOptions): BenchRow {
  const ratio = ratioOf(ours, baseline, ({ perSecond }) => perSecond);
  return {
    question,
    ours: figure(ours),
    baseline: `${figure(baseline)} (${name})`,
    ratio: round(ratio, 2),
    target: `≥ ${round(target, 2)}`,
    isMet: ratio >= target,
  };
}

function figure(results: readonly RoundResult[]): string {
  const rate = count(median(results.map(({ perSecond }) => perSecond)));
  const p99 = round(median(results.map(({ p99Ms }) => p99Ms)), 1);
  const cpu = round(median(results.map((each) => each.cpuMicros)), 0);
  return `${rate} req/s, p99 ${p99} ms, ${cpu} µs CPU`;
}
