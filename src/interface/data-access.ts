import { MicroError } from "#base/error.ts";
import type { Account, DataRules, Resource, Rule } from "./auth.ts";
import { dataDefaults, type DataType } from "./data-type.ts";
import { isAdministrator, mayReachNamespace, requireAccount, requireNamespace } from "./namespace-access.ts";

/** What of the data of a namespace is asked for. */
export interface DataResource extends Resource {
  readonly type: DataType;
  /** Says of a name in lower case whether it is among what is meant. @default all names where the name is `*`, else none */
  readonly covers?: (name: string) => boolean;
}

/** Whether data may be used, and why. */
export interface DataDecision {
  readonly granted: boolean;
  /** The rule that decided; absent where the default did. */
  readonly rule?: Rule;
}

/**
 * Decides on the data of a namespace. Nobody gets at that of another namespace but the administrators of the
 * installation, whatever rules say. Within it a rule that denies narrows, a rule that names the type and grants widens,
 * and where neither speaks the default counts: a rule for all types that grants opens services, never data.
 *
 * Who asks for many at once is refused when one of them is denied to him.
 *
 * @param rules absent: the default alone.
 */
export function decideData(
  rules: DataRules | undefined,
  account: Account | undefined,
  asked: { readonly namespace: string; readonly resource: DataResource },
): DataDecision {
  const { namespace, resource } = asked;
  if (account === undefined || !mayReachNamespace(account, namespace)) return { granted: false };
  const decision = rules?.decide(account, namespace, resource);
  if (decision?.rule?.access === "denied") return { granted: false, rule: decision.rule };
  const denial = rules === undefined ? undefined : findDenial(rules, account, asked);
  if (denial !== undefined) return { granted: false, rule: denial };
  if (decision?.granted === true) return decision;
  return { granted: dataDefaults[resource.type] === "account" || isAdministrator(account) };
}

/** The account, if it may use what it asks for. @throws MicroError `unauthenticated` or `permission_denied`. */
export function requireData(
  rules: DataRules | undefined,
  account: Account | undefined,
  asked: { readonly namespace: string; readonly resource: DataResource; readonly at: string },
): Account {
  const { namespace, resource, at } = asked;
  const known = requireNamespace(requireAccount(account, at), namespace, at);
  if (rules?.hasEnded(known) === true) {
    throw new MicroError("unauthenticated", "the token has ended; log in again: micro login", { at });
  }
  const { granted, rule } = decideData(rules, known, asked);
  if (granted) return known;
  const what = `${resource.endpoint} of ${resource.type} ${resource.name}`;
  const detail =
    rule === undefined
      ? `account ${known.id} is not an administrator of namespace ${namespace}, and no rule grants it ${what}`
      : `rule ${rule.id} denies account ${known.id} ${what}`;
  throw new MicroError("permission_denied", detail, { at });
}

function findDenial(
  rules: DataRules,
  account: Account,
  { namespace, resource }: { readonly namespace: string; readonly resource: DataResource },
): Rule | undefined {
  const { type, name: asked, endpoint } = resource;
  const covers = resource.covers ?? (asked === "*" && endpoint !== "list" ? () => true : undefined);
  if (covers === undefined) return undefined;
  for (const name of rules.deniedNames(namespace, type)) {
    if (!covers(name)) continue;
    const { rule } = rules.decide(account, namespace, { type, name, endpoint });
    if (rule?.access === "denied") return rule;
  }
  return undefined;
}
