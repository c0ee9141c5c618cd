import { Config as ConfigService } from "#gen/config/config_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Config } from "#interface/config.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { configHandlers } from "./config-handlers.ts";

/** All methods of the core service `config`, for its service table. */
export function configMethods({
  config,
  rules,
}: {
  readonly config: Config;
  /** Rules about values. @default none: administrators of a namespace, services among them, use its document */
  readonly rules?: DataRules;
}): readonly MethodImplementation[] {
  return protoMethods(ConfigService, configHandlers(config, rules));
}
