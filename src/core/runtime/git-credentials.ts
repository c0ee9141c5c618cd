import { MicroError } from "#base/error.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import type { SealedHolder, SealedPlace, SecretSealer } from "#interface/secret-sealer.ts";
import type { Store } from "#interface/store.ts";
import { damaged, parseRecord } from "./parse-record.ts";
import { runtimeScope } from "./runtime-scope.ts";
import { SerialQueue } from "./serial-queue.ts";

export interface GitCredentialsDeps {
  readonly store: Store;
  readonly secrets: SecretSealer;
}

const prefix = "git-credential:";

/**
 * What opens the private repositories that services come from: one for each service, only for the host that it was given for,
 * sealed in the store. It is gone with the service.
 */
export class GitCredentials implements SealedHolder {
  readonly #deps: GitCredentialsDeps;
  /** A change of the key waits for what was sealed with the old one. */
  readonly #turns = new SerialQueue();

  constructor(deps: GitCredentialsDeps) {
    this.#deps = deps;
  }

  /** Keeps it in place of what was kept for this service. */
  async keep(key: ServiceKey, host: string, text: string): Promise<void> {
    await this.#turns.run(async () => {
      const storeKey = toCredentialStoreKey(key);
      await this.#write(storeKey, host, await this.#deps.secrets.seal(placeOf(storeKey, host), text));
    });
  }

  /** What was kept for this service and host. @throws MicroError `failed_precondition` when it cannot be opened any more. */
  async find(key: ServiceKey, host: string): Promise<string | undefined> {
    const storeKey = toCredentialStoreKey(key);
    const record = await this.#deps.store.read(runtimeScope, storeKey);
    const kept = record === undefined ? undefined : decode(storeKey, record.value);
    if (kept?.host !== host) return undefined;
    try {
      return await this.#deps.secrets.open(placeOf(storeKey, host), kept.sealed);
    } catch (cause) {
      const detail = `the credential for ${host} cannot be read any more; give it again`;
      throw new MicroError("failed_precondition", detail, { cause });
    }
  }

  renewSecrets(renew: (place: SealedPlace, sealed: string) => string | undefined): Promise<number> {
    return this.#turns.run(async () => {
      let count = 0;
      for (const { key, value } of await this.#deps.store.list(runtimeScope, { prefix })) {
        const { host, sealed } = decode(key, value);
        const renewed = renew(placeOf(key, host), sealed);
        if (renewed === undefined) continue;
        await this.#write(key, host, renewed);
        count += 1;
      }
      return count;
    });
  }

  async #write(key: string, host: string, sealed: string): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify({ host, sealed }));
    await this.#deps.store.write([{ kind: "put", scope: runtimeScope, key, value }]);
  }
}

/** Exact key of the record: no name or version can hold a colon. */
export function toCredentialStoreKey({ namespace, name, version }: ServiceKey): string {
  return `${prefix}${namespace}:${name}:${version}`;
}

function placeOf(storeKey: string, host: string): SealedPlace {
  const [, namespace = "", name = "", version = ""] = storeKey.split(":");
  return { namespace, words: [`${prefix}${name}:${version}`, host] };
}

function decode(key: string, value: Uint8Array): { readonly host: string; readonly sealed: string } {
  const { host, sealed } = parseRecord(key, value);
  if (typeof host === "string" && typeof sealed === "string") return { host, sealed };
  throw damaged(key);
}
