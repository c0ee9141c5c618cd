/** Entry point `micro-ts/config`: dynamic values by path, and secrets. */
import { requireName } from "#base/name.ts";
import type { Origin } from "./caller.ts";
import { RemoteConfig, type ConfigClient } from "./config-client.ts";

export type { ConfigRevision, ConfigState } from "#interface/config.ts";
export type { JsonObject, JsonValue } from "#base/json.ts";
export type { Origin } from "./caller.ts";
export type {
  ConfigClient,
  ConfigReadOptions,
  ConfigSetOptions,
  ConfigWatchOptions,
  ConfigWriteOptions,
} from "./config-client.ts";

export interface ConfigOptions {
  /** Whose document. @default the namespace of the origin; others are for administrators of the installation */
  readonly namespace?: string;
}

/**
 * Opens the configuration of a namespace, over the calls of a service or a client; it holds nothing that has to be closed.
 * Every read asks the server, so that a change counts at once. Who calls must administer the namespace, as services do.
 *
 * @throws MicroError `invalid_argument` for a bad namespace.
 */
export function createConfig(origin: Origin, options: ConfigOptions = {}): ConfigClient {
  return new RemoteConfig(origin, requireName("namespace", options.namespace ?? origin.namespace));
}
