import { median } from "./bench-row.ts";

/** A command with its environment, which is all that it gets. */
export interface MeasuredCommand {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Wall times from spawn to exit, in milliseconds, of two commands in turn, so that a machine that is busy for a while
 * is busy for both; one round first is not counted.
 *
 * @returns the medians, and the median of the ratios round by round.
 */
export async function measureInTurn(
  ours: MeasuredCommand,
  baseline: MeasuredCommand,
  rounds: number,
): Promise<{ readonly oursMs: number; readonly baselineMs: number; readonly ratio: number }> {
  const pairs: { oursMs: number; baselineMs: number }[] = [];
  for (let index = 0; index <= rounds; index += 1) {
    const pair = { baselineMs: await runOnceMs(baseline), oursMs: await runOnceMs(ours) };
    if (index > 0) pairs.push(pair);
  }
  return {
    oursMs: median(pairs.map((each) => each.oursMs)),
    baselineMs: median(pairs.map((each) => each.baselineMs)),
    ratio: median(pairs.map((each) => each.oursMs / each.baselineMs)),
  };
}

async function runOnceMs({ command, env }: MeasuredCommand): Promise<number> {
  const startMs = performance.now();
  const child = Bun.spawn([...command], { env: { ...env }, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const code = await child.exited;
  const elapsedMs = performance.now() - startMs;
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${await child.stderr.text()}`);
  return elapsedMs;
}

/** Resident memory of a process, in MiB. Linux only, where the figures of this project are taken. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** Processor time that a process has taken so far, in seconds. Linux only. */
export async function processorSeconds(pid: number): Promise<number> {
  const text = await Bun.file(`/proc/${pid}/stat`).text();
  // The name in parentheses may hold blanks. Then the state is the third field, and these are the 14th and the 15th.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** What Linux counts in, whatever its clock. */
const ticksPerSecond = 100;
