import { MicroError } from "#base/error.ts";

/** What the system refuses, as `unavailable` with the reason in words. Failures that are no system's pass as they are. */
export function fromDiskError(reason: unknown, folder: string): MicroError {
  const code = systemCode(reason);
  if (code === undefined) return MicroError.from(reason);
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  const detail = isFull
    ? `the disk of ${folder} is full: free some space`
    : `the blobs cannot use ${folder} (${code}): look at the disk and at the rights of the folder`;
  return new MicroError("unavailable", detail, { at: "store.Blob", cause: reason });
}

/** The code of a failed system call, such as `ENOENT`; undefined for other failures. */
export function systemCode(reason: unknown): string | undefined {
  if (!(reason instanceof Error) || !("code" in reason) || !("syscall" in reason)) return undefined;
  return typeof reason.code === "string" ? reason.code : undefined;
}

/** What `work` gives. @throws MicroError as {@link fromDiskError} says it. */
export async function onDisk<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (reason) {
    throw fromDiskError(reason, folder);
  }
}
