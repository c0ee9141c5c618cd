import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { MicroError } from "#base/error.ts";
import { keyBytes, toSecretKey, type SecretKey } from "./secret-box.ts";

/** What was in a key file. */
export interface KeyFile {
  readonly keys: readonly SecretKey[];
  /** Differs after every replacement of the file. */
  readonly version: string;
}

/** Undefined when there is no such file. @throws MicroError `unavailable`. */
export async function readKeyFileVersion(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return `${ino}-${mtimeMs}-${size}`;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cannotUse(path, cause);
  }
}

/** @throws MicroError `failed_precondition` that names the line which is no key, `unavailable`. */
export async function readKeyFile(path: string, version: string): Promise<KeyFile> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw cannotUse(path, cause);
  });
  const keys: SecretKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const bytes = Buffer.from(line.trim(), "base64");
    if (bytes.length !== keyBytes) {
      const detail = `${path} line ${index + 1} is not a key: it must be base64 of ${keyBytes} bytes`;
      throw new MicroError("failed_precondition", detail);
    }
    keys.push(toSecretKey(bytes));
  }
  if (keys.length > 0) return { keys, version };
  const remedy = "put the key back, or remove the file for a new one, which loses all secrets";
  throw new MicroError("failed_precondition", `${path} holds no key: ${remedy}`);
}

/**
 * Replaces a key file as a whole, readable by its owner only. The text is on disk before it has its name, and the name
 * before this returns: whoever loses a key loses what it sealed.
 *
 * @throws MicroError `unavailable` when the disk refuses.
 */
export async function writeKeyFile(path: string, keys: readonly SecretKey[]): Promise<KeyFile> {
  const aside = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeSynced(aside, keys.map((key) => `${Buffer.from(key.bytes).toString("base64")}\n`).join(""));
    await rename(aside, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw cannotUse(path, cause);
  }
  return { keys, version: (await readKeyFileVersion(path)) ?? "" };
}

/** Leaves the file to its owner alone. @throws MicroError `unavailable`. */
export async function protectKeyFile(path: string): Promise<void> {
  await chmod(path, 0o600).catch((cause: unknown) => {
    throw cannotUse(path, cause);
  });
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function cannotUse(path: string, cause: unknown): MicroError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MicroError("unavailable", `the key file ${path} cannot be used: ${reason}`, { cause });
}
