import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import type { Store, StoreChange } from "#interface/store.ts";
import { toCredentialStoreKey } from "./git-credentials.ts";
import { runtimeScope } from "./runtime-scope.ts";
import {
  decodeServiceRecord,
  encodeServiceRecord,
  serviceKeyPrefix,
  toServiceStoreKey,
  type ServiceRecord,
} from "./service-record.ts";
import { toSecretsStoreKey } from "./service-secrets.ts";
import { parseSourceId, toSourceStoreKey } from "./source-record.ts";

/** The declared services in the store. */
export class ServiceRecords {
  readonly #store: Store;
  readonly #logger: Logger;

  constructor(deps: { readonly store: Store; readonly logger: Logger }) {
    this.#store = deps.store;
    this.#logger = deps.logger;
  }

  /** All of them. A damaged one is reported and left where it is: it must not keep the others from coming back. */
  async list(): Promise<readonly ServiceRecord[]> {
    const found = await this.#store.list(runtimeScope, { prefix: serviceKeyPrefix });
    return found.flatMap(({ key, value }) => {
      try {
        return [decodeServiceRecord(key, value)];
      } catch (reason) {
        this.#logger.error("a declared service cannot be read and is not started", { error: MicroError.from(reason) });
        return [];
      }
    });
  }

  async put(record: ServiceRecord): Promise<void> {
    const value = encodeServiceRecord(record);
    await this.#store.write([{ kind: "put", scope: runtimeScope, key: toServiceStoreKey(record), value }]);
  }

  /** Forgets the service, the name of its source and what opens that, in one step. */
  async delete(record: ServiceRecord): Promise<void> {
    const keys = [
      toServiceStoreKey(record),
      toCredentialStoreKey(record),
      toSecretsStoreKey(record),
      ...sourceStoreKeys(record),
    ];
    await this.#store.write(keys.map((key): StoreChange => ({ kind: "delete", scope: runtimeScope, key })));
  }
}

/** The record of the upload that a service came from: one or none. */
export function sourceStoreKeys({ namespace, source }: ServiceKey & { readonly source: string }): readonly string[] {
  const id = parseSourceId(source);
  return id === undefined ? [] : [toSourceStoreKey({ namespace, ...id })];
}
