import { randomBytes } from "node:crypto";
import { MicroError } from "#base/error.ts";
import { protectKeyFile, readKeyFile, readKeyFileVersion, writeKeyFile, type KeyFile } from "./key-file.ts";
import { keyBytes, toSecretKey, type SecretKey } from "./secret-box.ts";

/**
 * The keys of secrets, in a file of one base64 line a key. The first one seals; the others are what a rotation has not
 * finished replacing, or what a person put back by hand. The file is looked at again whenever it has changed.
 */
export class ConfigKeys {
  readonly path: string;
  #file: KeyFile;

  /** Use {@link openConfigKeys}. */
  constructor(path: string, file: KeyFile) {
    this.path = path;
    this.#file = file;
  }

  /** The key that seals. */
  get current(): SecretKey {
    const [key] = this.#file.keys;
    if (key === undefined) throw new MicroError("internal", `${this.path} holds no key`);
    return key;
  }

  find(id: string): SecretKey | undefined {
    return this.#file.keys.find((key) => key.id === id);
  }

  /**
   * Takes up what is in the file now, and writes it again where it is gone: secrets sealed with a key that is nowhere on
   * disk would be lost with this process.
   *
   * @throws MicroError `failed_precondition` when the file holds something that is no key, `unavailable`.
   */
  async refresh(): Promise<void> {
    const version = await readKeyFileVersion(this.path);
    if (version === this.#file.version) return;
    this.#file =
      version === undefined ? await writeKeyFile(this.path, this.#file.keys) : await readKeyFile(this.path, version);
  }

  /** Seals with a new key from here on. The older ones stay. @throws MicroError as `refresh` does. */
  async add(): Promise<void> {
    await this.refresh();
    this.#file = await writeKeyFile(this.path, [createKey(), ...this.#file.keys]);
  }

  /** Forgets all keys but the one that seals. @throws MicroError `unavailable`. */
  async dropOld(): Promise<void> {
    this.#file = await writeKeyFile(this.path, [this.current]);
  }
}

/**
 * Opens the key file, and makes it with one new key where it is missing. Others of the machine cannot read it afterwards.
 *
 * @param path `HomePaths.configKeyFile`
 * @throws MicroError `failed_precondition` when the file holds something that is no key, `unavailable` when the disk refuses.
 */
export async function openConfigKeys(path: string): Promise<ConfigKeys> {
  const version = await readKeyFileVersion(path);
  if (version === undefined) return new ConfigKeys(path, await writeKeyFile(path, [createKey()]));
  await protectKeyFile(path);
  return new ConfigKeys(path, await readKeyFile(path, version));
}

function createKey(): SecretKey {
  return toSecretKey(randomBytes(keyBytes));
}
