import type { Account, TokenVerifier } from "#interface/auth.ts";
import { readToken } from "#rpc/authorization.ts";
import type { CallGuard } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/**
 * Says who calls a service. It refuses nobody: the network in front has checked the rules, so a token that does not
 * hold leaves a caller without an account, and the handler decides what that means.
 *
 * @param namespace of calls that name none: the service's own
 */
export function createServiceGuard(verifier: TokenVerifier, namespace: string): CallGuard {
  return (call) => {
    const named = call.metadata["micro-namespace"];
    call.namespace = named === undefined || named === "" ? namespace : named;
    const token = tokenOf(call);
    if (token === undefined) return undefined;
    const found = verifier.verify(token);
    if (!(found instanceof Promise)) {
      call.account = found;
      return undefined;
    }
    return found.then((account: Account | undefined) => {
      call.account = account;
    });
  };
}

function tokenOf(call: ServerCall): string | undefined {
  const header = call.metadata["authorization"];
  if (header === undefined) return undefined;
  try {
    return readToken(header, call.service);
  } catch {
    // Another scheme, for instance a password for the service itself: not ours to judge.
    return undefined;
  }
}
