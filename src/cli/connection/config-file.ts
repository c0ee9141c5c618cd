import { CommandError } from "#cli/command-error.ts";
import { isRecord } from "#base/json.ts";
import { withFileLock } from "./file-lock.ts";
import { readOptionalFile, writePrivateFile } from "./private-file.ts";

/**
 * Settings of the command line: nested JSON, addressed by dotted paths, in the file and with the keys of Micro's own
 * command line, so that both can share a home.
 */
export class ConfigFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The text at a path; empty counts as not set, which is how a deleted value is written. */
  get(key: string): string | undefined {
    let value: unknown = this.#read();
    for (const part of key.split(".")) value = isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined;
    if (value === undefined || value === null || value === "") return undefined;
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** Writes several values at once, under the lock of the file. */
  async set(changes: Readonly<Record<string, string>>): Promise<void> {
    await withFileLock(this.#path, () => {
      let settings: Record<string, unknown> = this.#read();
      for (const [key, value] of Object.entries(changes)) settings = withValue(settings, key.split("."), value);
      writePrivateFile(this.#path, `${JSON.stringify(settings, undefined, 2)}\n`);
    });
  }

  #read(): Record<string, unknown> {
    const text = readOptionalFile(this.#path);
    if (text === undefined || text.trim() === "") return { env: "local" };
    const settings = parseJson(text);
    if (isRecord(settings)) return settings;
    throw new CommandError(`${this.#path} is not a JSON object: repair it or move it away`);
  }
}

function withValue(
  settings: Readonly<Record<string, unknown>>,
  [first = "", ...rest]: readonly string[],
  value: string,
): Record<string, unknown> {
  if (first === "" || first === "__proto__") throw new CommandError("A key is words joined by dots, like git.baseurl");
  if (rest.length === 0) return { ...settings, [first]: value };
  const child = settings[first];
  return { ...settings, [first]: withValue(isRecord(child) ? child : {}, rest, value) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
