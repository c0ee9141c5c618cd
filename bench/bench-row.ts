/** One line of the table: a question, what we measured, what the baseline of the same run gave. */
export interface BenchRow {
  readonly question: string;
  /** Ours and the baseline's figure, with units, medians over the rounds. */
  readonly ours: string;
  readonly baseline: string;
  /** Ours over baseline, or the figure that the target is about. */
  readonly ratio: string;
  readonly target: string;
  readonly isMet: boolean;
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
