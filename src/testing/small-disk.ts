import { mkdir } from "node:fs/promises";
import { runCommand } from "./run-command.ts";
import { createTempFolder } from "./temp-folder.ts";

/** A folder that is a disk of its own, and full before long. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
}

/**
 * Mounts a disk in memory.
 *
 * @throws Error where this user may not, which {@link canMountDisk} tells before.
 */
export async function mountSmallDisk(sizeMiB: number): Promise<SmallDisk> {
  const folder = await createTempFolder();
  const path = `${folder.path}/disk`;
  await mkdir(path);
  const { code, stderr } = await runCommand(["mount", "-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", path]);
  if (code !== 0) {
    await folder[Symbol.asyncDispose]();
    throw new Error(`no disk could be mounted: ${stderr}`);
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await runCommand(["umount", "-l", path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** False where no disk can be mounted: containers often forbid it, also to root. */
export async function canMountDisk(): Promise<boolean> {
  try {
    const disk = await mountSmallDisk(1);
    await disk[Symbol.asyncDispose]();
    return true;
  } catch {
    return false;
  }
}
