import type { Endpoint, ServiceDirectory, ServiceEntry } from "#interface/registry.ts";
import { requireNamespace } from "#interface/namespace-access.ts";
import { MicroError } from "#base/error.ts";
import type { CallGuard } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

export interface VisibleServicesDeps {
  readonly guard: CallGuard;
  readonly directory: ServiceDirectory;
}

/** A call as it would be made, for the guard to judge. */
export type TrialCall = (service: string, endpoint: string) => ServerCall;

/**
 * The services of the caller's namespace with those of their endpoints that he may call. Who may list services may ask.
 *
 * @throws MicroError `unauthenticated` or `permission_denied`.
 */
export async function visibleServices(
  { guard, directory }: VisibleServicesDeps,
  trial: TrialCall,
): Promise<ServiceEntry[]> {
  const listing = trial("registry", "Registry.ListServices");
  await guard(listing);
  requireNamespace(listing.account, listing.namespace, "gateway");
  const visible: ServiceEntry[] = [];
  for (const entry of directory.services(listing.namespace)) {
    const endpoints: Endpoint[] = [];
    for (const endpoint of entry.endpoints) {
      if (await isGranted(guard, trial(entry.name, endpoint.name))) endpoints.push(endpoint);
    }
    if (endpoints.length > 0) visible.push({ ...entry, endpoints });
  }
  return visible;
}

async function isGranted(guard: CallGuard, call: ServerCall): Promise<boolean> {
  try {
    await guard(call);
    return true;
  } catch (reason) {
    if (MicroError.is(reason)) return false;
    throw reason;
  }
}
