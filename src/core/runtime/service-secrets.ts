import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import type { SealedHolder, SealedPlace, SecretSealer } from "#interface/secret-sealer.ts";
import type { Store } from "#interface/store.ts";
import { damaged, parseRecord } from "./parse-record.ts";
import { runtimeScope } from "./runtime-scope.ts";
import { SerialQueue } from "./serial-queue.ts";

export interface ServiceSecretsDeps {
  readonly store: Store;
  readonly secrets: SecretSealer;
}

const prefix = "service-secrets:";

/** Sealed texts by the name of their variable. */
type SealedTexts = Readonly<Record<string, string>>;

/**
 * Secrets of services that are given as variables of their environment: sealed in the store, shown to nobody, and gone with the
 * service. They belong to the service and not to one of its versions.
 */
export class ServiceSecrets implements SealedHolder {
  readonly #deps: ServiceSecretsDeps;
  /** A change of the key waits for what was sealed with the old one. */
  readonly #turns = new SerialQueue();

  constructor(deps: ServiceSecretsDeps) {
    this.#deps = deps;
  }

  /** Keeps these in place of what was kept under their names; an empty text removes one. */
  async keep(key: ServiceKey, secrets: Readonly<Record<string, string>>): Promise<void> {
    if (Object.keys(secrets).length === 0) return;
    await this.#turns.run(async () => {
      const storeKey = toSecretsStoreKey(key);
      const kept = new Map(Object.entries(await this.#read(storeKey)));
      for (const [name, text] of Object.entries(secrets)) {
        if (text === "") kept.delete(name);
        else kept.set(name, await this.#deps.secrets.seal(placeOf(storeKey, name), text));
      }
      await this.#write(storeKey, Object.fromEntries(kept));
    });
  }

  /** What is kept for a service. @throws MicroError `failed_precondition` when it cannot be opened any more. */
  async find(key: ServiceKey): Promise<Readonly<Record<string, string>>> {
    const storeKey = toSecretsStoreKey(key);
    const opened: Record<string, string> = {};
    for (const [name, sealed] of Object.entries(await this.#read(storeKey))) {
      try {
        opened[name] = await this.#deps.secrets.open(placeOf(storeKey, name), sealed);
      } catch (cause) {
        const detail = `the secret ${name} of ${key.name} cannot be read any more; give it again`;
        throw new MicroError("failed_precondition", detail, { cause });
      }
    }
    return opened;
  }

  renewSecrets(renew: (place: SealedPlace, sealed: string) => string | undefined): Promise<number> {
    return this.#turns.run(async () => {
      let count = 0;
      for (const { key, value } of await this.#deps.store.list(runtimeScope, { prefix })) {
        const kept = decode(key, value);
        const renewed = Object.entries(kept).flatMap(([name, sealed]) => {
          const next = renew(placeOf(key, name), sealed);
          return next === undefined ? [] : [[name, next] as const];
        });
        if (renewed.length === 0) continue;
        await this.#write(key, { ...kept, ...Object.fromEntries(renewed) });
        count += renewed.length;
      }
      return count;
    });
  }

  async #read(storeKey: string): Promise<SealedTexts> {
    const record = await this.#deps.store.read(runtimeScope, storeKey);
    return record === undefined ? {} : decode(storeKey, record.value);
  }

  async #write(key: string, sealed: SealedTexts): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify({ sealed }));
    await this.#deps.store.write([{ kind: "put", scope: runtimeScope, key, value }]);
  }
}

/** Exact key of the record: no name or version can hold a colon. */
export function toSecretsStoreKey({ namespace, name, version }: ServiceKey): string {
  return `${prefix}${namespace}:${name}:${version}`;
}

function placeOf(storeKey: string, variable: string): SealedPlace {
  const [, namespace = "", name = "", version = ""] = storeKey.split(":");
  return { namespace, words: [`${prefix}${name}:${version}`, variable] };
}

function decode(key: string, value: Uint8Array): SealedTexts {
  const { sealed } = parseRecord(key, value);
  if (!isRecord(sealed)) throw damaged(key);
  return Object.fromEntries(Object.entries(sealed).map(([name, text]) => [name, String(text)]));
}
