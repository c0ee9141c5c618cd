import { MicroError } from "#base/error.ts";
import { isName } from "#base/name.ts";
import { defaultNamespace, type AccessRules, type Account, type TokenVerifier } from "#interface/auth.ts";
import { isAdministrator } from "#interface/namespace-access.ts";
import { KnownTokens, readToken } from "./authorization.ts";
import type { CallGuard } from "./method.ts";
import { refuseCall } from "./refuse-call.ts";
import type { ServerCall } from "./server-call.ts";

export interface CallerGuardDeps {
  readonly verifier: TokenVerifier;
  readonly rules: AccessRules;
  /**
   * True for a core service. It lives in namespace `micro`, whose rules apply, and serves the accounts of every
   * namespace: what they may do there is checked by its handlers.
   */
  readonly isCore: (service: string) => boolean;
  /** True for calls that exchange a credential for a token: an old token beside it must not stand in their way. @default none */
  readonly isLogin?: (call: ServerCall) => boolean;
}

/**
 * The check of an edge: who calls, in which namespace, and whether the rules let him.
 *
 * No token is nobody, and the rules decide. A token that does not hold is refused, because a caller who believes to be
 * logged in must learn that he is not. It answers at once unless the verifier has to wait.
 */
export function createCallerGuard(deps: CallerGuardDeps): CallGuard {
  const tokens = new KnownTokens();
  return (call) => {
    const header = call.metadata["authorization"];
    const kept = tokens.get(header);
    const token = kept ?? readToken(header, call.service);
    if (token === undefined) return admit(deps, call, undefined);
    const found = deps.verifier.verify(token);
    if (!(found instanceof Promise)) {
      if (kept === undefined && found !== undefined) tokens.keep(header, token);
      return admit(deps, call, found ?? requireLogin(deps, call));
    }
    return found.then((account) => admit(deps, call, account ?? requireLogin(deps, call)));
  };
}

function requireLogin(deps: CallerGuardDeps, call: ServerCall): undefined {
  if (deps.isLogin?.(call) === true) return undefined;
  throw new MicroError("unauthenticated", "the token is expired or not valid; log in again: micro login", {
    at: call.service,
  });
}

function admit(deps: CallerGuardDeps, call: ServerCall, account: Account | undefined): void {
  const isCore = deps.isCore(call.service);
  call.account = account;
  call.namespace = chooseNamespace(call, account, isCore);
  const home = isCore ? defaultNamespace : call.namespace;
  const resource = { type: "service", name: call.service, endpoint: call.endpoint };
  if (deps.rules.decide(account, home, resource).granted) return;
  throw refuseCall(call.service, call.endpoint, account);
}

/** The namespace that the caller names, if it is his to name; else his own; else that of the installation. */
function chooseNamespace(call: ServerCall, account: Account | undefined, isCore: boolean): string {
  const named = call.metadata["micro-namespace"];
  if (named === undefined || named === "") return account?.namespace ?? defaultNamespace;
  if (!isName("namespace", named)) {
    throw new MicroError("invalid_argument", "header micro-namespace does not hold the name of a namespace", {
      at: call.service,
    });
  }
  // Nobody may name any namespace: its rules say what is open to the public there.
  if (account === undefined || account.namespace === named) return named;
  if (isCore && named === defaultNamespace) return named;
  if (account.namespace === defaultNamespace && isAdministrator(account)) return named;
  throw new MicroError(
    "permission_denied",
    `account ${account.id} of namespace ${account.namespace} may not act in namespace ${named}`,
    { at: call.service },
  );
}
