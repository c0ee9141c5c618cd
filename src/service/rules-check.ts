import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Account } from "#interface/auth.ts";
import { evaluateRules } from "#interface/evaluate-rules.ts";
import { refuseCall } from "#rpc/refuse-call.ts";
import type { RulesWatch } from "./rules-watch.ts";

/** How long a call waits for the first rules. */
const firstRulesTimeoutMs = 5_000;

/** Decides whether a caller may call an endpoint of one service. */
export interface RulesCheck {
  /**
   * Passes, or waits for the rules to be known.
   *
   * @throws MicroError `unauthenticated` or `permission_denied`, `unavailable` when the rules cannot be had.
   */
  require(account: Account | undefined, endpoint: string): void | Promise<void>;
}

/** What was decided about one endpoint. */
interface EndpointDecisions {
  nobody: boolean | undefined;
  readonly byAccount: WeakMap<Account, boolean>;
}

/**
 * Checks calls that reach a service against the rules of its namespace. A decision is remembered until something changes;
 * the verifier gives the same account for the same token, so that a call that passes costs two look-ups.
 */
export function createRulesCheck(watch: RulesWatch, service: string, namespace: string): RulesCheck {
  const decisions = new Map<string, EndpointDecisions>();
  let version = -1;

  const decide = (account: Account | undefined, endpoint: string): boolean => {
    const { rules } = watch;
    if (rules === undefined || rules === "none to tell") return rules !== undefined;
    const resource = { type: "service", name: service, endpoint };
    return evaluateRules(rules, { account, namespace, resource }).granted;
  };

  const decisionsOf = (endpoint: string): EndpointDecisions => {
    const known = decisions.get(endpoint);
    if (known !== undefined) return known;
    // Names come from callers, who could make up any number of them.
    if (decisions.size >= limits.tokenCacheCountMax) decisions.clear();
    const made: EndpointDecisions = { nobody: undefined, byAccount: new WeakMap() };
    decisions.set(endpoint, made);
    return made;
  };

  const isGranted = (account: Account | undefined, endpoint: string): boolean => {
    if (version !== watch.version) {
      version = watch.version;
      decisions.clear();
    }
    const known = decisionsOf(endpoint);
    if (account === undefined) return (known.nobody ??= decide(account, endpoint));
    const decided = known.byAccount.get(account);
    if (decided !== undefined) return decided;
    const granted = decide(account, endpoint);
    known.byAccount.set(account, granted);
    return granted;
  };

  const requireKnown = (account: Account | undefined, endpoint: string): void => {
    if (!isGranted(account, endpoint)) throw refuseCall(service, endpoint, account);
  };

  return {
    require: (account, endpoint) => {
      if (watch.rules !== undefined) return requireKnown(account, endpoint);
      return waitForRules(watch, service).then(() => requireKnown(account, endpoint));
    },
  };
}

async function waitForRules(watch: RulesWatch, service: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, firstRulesTimeoutMs);
  });
  await Promise.race([watch.known, timeout]);
  clearTimeout(timer);
  if (watch.rules === undefined) {
    throw new MicroError("unavailable", "the access rules are not known yet: try again", { at: service });
  }
}
