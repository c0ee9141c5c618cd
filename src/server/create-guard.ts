import type { Auth } from "#core/auth/auth.ts";
import { refusalsTo, reportGuard } from "#core/auth/report-refusals.ts";
import { openApiPath } from "#gateway/openapi.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import { createNetworkReflection } from "#proxy/network-reflection.ts";
import { createCallerGuard, type CallerGuardDeps } from "#rpc/caller-guard.ts";
import type { CallGuard, ServiceTable } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { Transport } from "#rpc/transport.ts";

export interface GuardDeps {
  readonly auth: Auth;
  readonly directory: ServiceDirectory;
  /** The core services by name; filled while the server is built. */
  readonly tables: ReadonlyMap<string, ServiceTable>;
  /** Asks the nodes of services what they are. */
  readonly grpc: Transport;
}

/** What all ways in have in common. */
export interface ServerGuard {
  /** The table of a core service, and of reflection. */
  readonly core: (service: string) => ServiceTable | undefined;
  readonly guard: CallGuard;
}

/** Who calls is settled the same way wherever he comes in; who was refused is in the audit log. */
export function createGuard({ auth, directory, tables, grpc }: GuardDeps): ServerGuard {
  const ofNetwork = createNetworkReflection({ directory, core: () => [...tables.values()], grpc });
  const reflection = new Map(ofNetwork.map((table) => [table.name, table]));
  const core = (service: string): ServiceTable | undefined => tables.get(service) ?? reflection.get(service);
  const isCore = (service: string): boolean => core(service) !== undefined;
  const ask = askCaller({ verifier: auth.verifier, rules: auth.rules, isCore });
  const report = refusalsTo(auth.audit);
  const guard = reportGuard(ask, (call, refusal) => {
    // What OpenAPI leaves out was asked for by nobody.
    if (call.path !== openApiPath) report(call, refusal);
  });
  return { core, guard };
}

/** The guard of an edge, which lets those log in whose token does not hold any more. */
export function askCaller(deps: Omit<CallerGuardDeps, "isLogin">): CallGuard {
  return createCallerGuard({ ...deps, isLogin });
}

function isLogin({ service, endpoint }: ServerCall): boolean {
  return service === "auth" && (endpoint === "Auth.Token" || endpoint === "Auth.Inspect");
}
