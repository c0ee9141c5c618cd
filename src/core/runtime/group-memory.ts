import { readdirSync, readFileSync } from "node:fs";

/** Linux counts resident memory in pages; 4 KiB on all that we run on but some ARM machines, which then allow more. */
const pageBytes = 4_096;

/**
 * Resident memory of process groups, in bytes, by their ids; a group without processes is left out. One look at the list of
 * processes, however many groups are asked for. Linux only; elsewhere empty.
 */
export function readGroupMemory(groupIds: ReadonlySet<number>): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  if (process.platform !== "linux") return found;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [groupId, bytes] = readProcess(name);
    if (groupIds.has(groupId)) found.set(groupId, (found.get(groupId) ?? 0) + bytes);
  }
  return found;
}

function readProcess(pid: string): readonly [groupId: number, bytes: number] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the name in brackets: state, parent, group; resident pages are the 22nd from there.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(fields[2]), Number(fields[21]) * pageBytes];
  } catch {
    return [0, 0];
  }
}
