import { Build, Runtime as RuntimeService, Source } from "#gen/runtime/runtime_pb.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods } from "#rpc/proto-service.ts";
import { buildHandlers } from "./build-handlers.ts";
import { runtimeHandlers, type RuntimeHandlersDeps } from "./runtime-handlers.ts";
import { sourceHandlers } from "./source-handlers.ts";
import type { SourceStore } from "./source-store.ts";

export interface RuntimeMethodsDeps extends RuntimeHandlersDeps {
  readonly sources: SourceStore;
}

/** All methods of the core service `runtime`, for its service table. */
export function runtimeMethods(deps: RuntimeMethodsDeps): readonly MethodImplementation[] {
  return [
    ...protoMethods(RuntimeService, runtimeHandlers(deps)),
    ...protoMethods(Source, sourceHandlers(deps.sources)),
    ...protoMethods(Build, buildHandlers(deps.runtime)),
  ];
}
