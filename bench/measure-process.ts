import { median } from "./bench-row.ts";

/** Wall time of a command from spawn to exit, in milliseconds: the median of `rounds` runs after one that is not counted. */
export async function measureCommandMs(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  rounds: number,
): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index <= rounds; index += 1) {
    const startMs = performance.now();
    const child = Bun.spawn([...command], { env: { ...env }, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const code = await child.exited;
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${await child.stderr.text()}`);
    if (index > 0) times.push(performance.now() - startMs);
  }
  return median(times);
}

/** Resident memory of a process, in MiB. Linux only, where the figures of this project are taken. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}
