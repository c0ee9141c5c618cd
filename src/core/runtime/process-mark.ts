import { readFileSync } from "node:fs";

/**
 * A mark of the process that has this id now: another process that gets the id later has another mark. Undefined when
 * there is no such process, or only the remains that its parent has not taken notice of.
 */
export function readProcessMark(pid: number): string | undefined {
  if (process.platform !== "linux") return readWithPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in brackets, which may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTicks = fields[19];
    if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
    return `${readBootId()}/${startTicks}`;
  } catch {
    return undefined;
  }
}

/** Start times count from the boot: the same number means another moment after the next one. */
function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}

function readWithPs(pid: number): string | undefined {
  const found = Bun.spawnSync(["ps", "-o", "lstart=", "-p", String(pid)], { stderr: "ignore" });
  const text = found.stdout.toString().trim();
  return text === "" ? undefined : text;
}
