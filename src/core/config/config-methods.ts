import { Config as ConfigService } from "#gen/config/config_pb.ts";
import type { Config } from "#interface/config.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { configHandlers } from "./config-handlers.ts";

/** All methods of the core service `config`, for its service table. */
export function configMethods({ config }: { readonly config: Config }): readonly MethodImplementation[] {
  return protoMethods(ConfigService, configHandlers(config));
}
