import type { Account, TokenVerifier } from "#interface/auth.ts";
import { KnownTokens, readToken } from "#rpc/authorization.ts";
import { healthServiceName } from "#rpc/health-check.ts";
import type { CallGuard } from "#rpc/method.ts";
import type { RulesCheck } from "./rules-check.ts";

export interface ServiceGuardDeps {
  readonly verifier: TokenVerifier;
  /** Namespace of calls that name none: the service's own. */
  readonly namespace: string;
  /** Absent: the network in front has checked the rules, and nothing more is. */
  readonly rules?: RulesCheck | undefined;
}

/**
 * Says who calls a service, and refuses whom the rules do not let: the network in front has asked them too, but not for
 * calls that come to the service's own port. A token that does not hold leaves a caller without an account. Questions
 * about the health of the process are answered to everybody.
 */
export function createServiceGuard({ verifier, namespace, rules }: ServiceGuardDeps): CallGuard {
  const tokens = new KnownTokens();
  return (call) => {
    const named = call.metadata["micro-namespace"];
    call.namespace = named === undefined || named === "" ? namespace : named;
    if (call.service === healthServiceName) return undefined;
    const header = call.metadata["authorization"];
    const kept = tokens.get(header);
    const token = kept ?? tokenOf(header, call.service);
    if (token === undefined) return rules?.require(undefined, call.endpoint);
    const found = verifier.verify(token);
    if (!(found instanceof Promise)) {
      if (kept === undefined && found !== undefined) tokens.keep(header, token);
      call.account = found;
      return rules?.require(found, call.endpoint);
    }
    return found.then((account: Account | undefined) => {
      call.account = account;
      return rules?.require(account, call.endpoint);
    });
  };
}

function tokenOf(header: string | undefined, at: string): string | undefined {
  try {
    return readToken(header, at);
  } catch {
    // Another scheme, for instance a password for the service itself: not ours to judge.
    return undefined;
  }
}
