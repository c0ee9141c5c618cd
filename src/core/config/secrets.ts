import { MicroError } from "#base/error.ts";
import type { SealedPlace, SecretSealer } from "#interface/secret-sealer.ts";
import type { ConfigKeys } from "./config-keys.ts";
import { writeNode, type ConfigNode } from "./config-node.ts";
import { showPath, type Words } from "./config-path.ts";
import { keyIdOf, openSecret, sealSecret, type SecretPlace } from "./secret-box.ts";

/** Seals and opens the secrets of documents with the keys of the installation. */
export class Secrets implements SecretSealer {
  readonly keys: ConfigKeys;

  constructor(keys: ConfigKeys) {
    this.keys = keys;
  }

  /** Seals a value of a document, whose owner has looked at the keys. */
  sealValue(place: SecretPlace, json: string): string {
    return sealSecret(this.keys.current, place, json);
  }

  async seal(place: SealedPlace, text: string): Promise<string> {
    await this.keys.refresh();
    return sealSecret(this.keys.current, place, text);
  }

  async open(place: SealedPlace, sealed: string): Promise<string> {
    if (this.keys.find(keyIdOf(sealed)) === undefined) await this.keys.refresh();
    return this.#open(place, sealed);
  }

  /**
   * JSON with its secrets in clear.
   *
   * @param words where `node` lies
   * @throws MicroError `failed_precondition` that names the secret and the key that is missing; `internal` for a damaged one.
   */
  async write(namespace: string, node: ConfigNode, words: Words): Promise<string> {
    // The key may have been put back since the file was read.
    if (this.#lacksKey(node)) await this.keys.refresh();
    return writeNode(node, (sealed, at) => this.#open({ namespace, words: at }, sealed), words);
  }

  /** Sealed anew with the current key; undefined where that is not needed or not possible. */
  renew(place: SecretPlace, sealed: string): string | undefined {
    const { keys } = this;
    const key = keys.find(keyIdOf(sealed));
    if (key === undefined || key.id === keys.current.id) return undefined;
    const json = openSecret(key, place, sealed);
    return json === undefined ? undefined : this.sealValue(place, json);
  }

  #lacksKey(node: ConfigNode): boolean {
    if (node.kind === "value") return false;
    if (node.kind === "secret") return this.keys.find(keyIdOf(node.sealed)) === undefined;
    return [...node.entries.values()].some((each) => this.#lacksKey(each));
  }

  #open(place: SecretPlace, sealed: string): string {
    const id = keyIdOf(sealed);
    const which = `secret ${showPath(place.words)} of namespace ${place.namespace}`;
    const key = this.keys.find(id);
    if (key === undefined) {
      const detail = `${which} needs key ${id}, which is not in ${this.keys.path}: add it there as a further line`;
      throw new MicroError("failed_precondition", detail);
    }
    const json = openSecret(key, place, sealed);
    if (json !== undefined) return json;
    throw new MicroError("internal", `${which} is damaged: set it again`);
  }
}
