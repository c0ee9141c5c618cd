import { Config as ConfigProto } from "#gen/config/config_pb.ts";
import type {
  Config,
  ConfigChangeOptions,
  ConfigKey,
  ConfigReadOptions,
  ConfigRevision,
  ConfigState,
} from "#interface/config.ts";
import type { Origin } from "#service/caller.ts";
import { createConfig, type ConfigClient } from "#service/config.ts";
import { watchStates } from "#service/config-watch.ts";
import { createProtoClient } from "#service/proto.ts";

/** Config as an author of services sees it, through `micro-ts/config`. Who changes is who calls. */
export class ConfigOverRpc implements Config {
  readonly #origin: Origin;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  async read({ namespace, path }: ConfigKey, options?: ConfigReadOptions): Promise<ConfigState> {
    return this.#of(namespace).read(path, options);
  }

  async set(
    { namespace, path }: ConfigKey,
    json: string,
    options: ConfigChangeOptions & { readonly isSecret?: boolean },
  ): Promise<number> {
    return this.#of(namespace).setJson(path, json, options);
  }

  async delete({ namespace, path }: ConfigKey, options: ConfigChangeOptions): Promise<number> {
    return this.#of(namespace).delete(path, options);
  }

  watch(
    { namespace, path }: ConfigKey,
    options?: ConfigReadOptions & { readonly signal?: AbortSignal },
  ): AsyncIterable<ConfigState> {
    const client = createProtoClient(this.#origin, "config", ConfigProto);
    return watchStates({ client, namespace, path, ...options }, (state) => Promise.resolve(state));
  }

  async history({ namespace, path }: ConfigKey, limit?: number): Promise<readonly ConfigRevision[]> {
    return this.#of(namespace).history(path, limit);
  }

  async rollback(namespace: string, revision: number, options: ConfigChangeOptions): Promise<number> {
    return this.#of(namespace).rollback(revision, options);
  }

  async rotateKey(): Promise<number> {
    return this.#of("micro").rotateKey();
  }

  #of(namespace: string): ConfigClient {
    return createConfig(this.#origin, { namespace });
  }
}
