/** Why the system does not read or write a file, in words. */
export function describeFileFailure(reason: unknown): string {
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : String(reason);
  return words.get(code) ?? code;
}

const words: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file or folder"],
  ["EACCES", "it may not be used by this user"],
  ["EPERM", "it may not be used by this user"],
  ["EISDIR", "it is a folder"],
  ["ENOTDIR", "a part of the path is no folder"],
  ["ENOSPC", "the disk is full"],
  ["EROFS", "the disk may not be written to"],
]);
