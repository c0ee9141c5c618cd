/** One line of the table: a question, what we measured, what the baseline of the same run gave. */
export interface BenchRow {
  readonly question: string;
  /** Ours and the baseline's figure, with units, medians over the rounds. */
  readonly ours: string;
  readonly baseline: string;
  /** Ours over baseline, or the figure that the target is about. */
  readonly ratio: string;
  readonly target: string;
  /** Undefined where there is no target: the row is there to compare. */
  readonly isMet: boolean | undefined;
}

/** A bench answers one question (or a few that share their set-up). */
export type Bench = () => Promise<readonly BenchRow[]>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function round(value: number, digits: number): string {
  return value.toFixed(digits);
}

/** Thousands with a comma: 12,345. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export interface RateComparison {
  readonly question: string;
  /** How many a second, one figure a round. */
  readonly ours: readonly number[];
  readonly baseline: readonly number[];
  /** What the baseline is. */
  readonly name: string;
  /** The least that ours may be, as a multiple of the baseline. @default none */
  readonly target?: number;
}

/** A row of two rates that were measured in turn: round by round, because a machine that is busy is busy for both. */
export function compareRates({ question, ours, baseline, name, target }: RateComparison): BenchRow {
  const ratio = median(ours.map((each, index) => each / (baseline[index] ?? Number.NaN)));
  return {
    question,
    ours: `${count(median(ours))}/s`,
    baseline: `${count(median(baseline))}/s (${name})`,
    ratio: round(ratio, 2),
    target: target === undefined ? "-" : `≥ ${round(target, 2)}`,
    isMet: target === undefined ? undefined : ratio >= target,
  };
}
