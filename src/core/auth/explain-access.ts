import type { Account, DataRules, Decision, Resource, Rule } from "#interface/auth.ts";
import { decideData } from "#interface/data-access.ts";
import { isDataType } from "#interface/data-type.ts";
import { isAdministrator, mayReachNamespace } from "#interface/namespace-access.ts";

/** Who asks for what. */
export interface AskedAccess {
  readonly account: Account | undefined;
  readonly namespace: string;
  readonly resource: Resource;
}

/** What would happen, and why. */
export interface ExplainedAccess extends Decision {
  /** One sentence for a person. */
  readonly reason: string;
}

/** Decides as the edges do for services and as the core services do for data, and says why. */
export function explainAccess(rules: DataRules, asked: AskedAccess): ExplainedAccess {
  const { account, namespace, resource } = asked;
  const { type } = resource;
  if (!isDataType(type)) {
    const decision = rules.decide(account, namespace, resource);
    return { ...decision, reason: `${describe(asked, decision.granted)}: ${describeRule(decision, namespace)}` };
  }
  const decision = decideData(rules, account, { namespace, resource: { ...resource, type } });
  const why =
    decision.rule === undefined ? describeDefault(asked, decision.granted) : describeRule(decision, namespace);
  return { ...decision, reason: `${describe(asked, decision.granted)}: ${why}` };
}

function describe({ account, namespace, resource }: AskedAccess, isGranted: boolean): string {
  const who = account === undefined ? "a caller without an account" : `account ${account.id} of ${account.namespace}`;
  const what = `${resource.type} ${resource.name}, endpoint ${resource.endpoint}, in namespace ${namespace}`;
  return `${who} ${isGranted ? "may" : "may not"} use ${what}`;
}

function describeRule({ granted, rule }: Decision, namespace: string): string {
  if (rule === undefined) return "no rule grants it";
  const priority = `with priority ${rule.priority}`;
  if (granted) return `rule ${rule.id} grants it to ${describeScope(rule)}, ${priority}`;
  if (rule.access === "granted") return `rule ${rule.id} is for accounts of namespace ${namespace} alone, ${priority}`;
  return `rule ${rule.id} denies it to ${describeScope(rule)}, ${priority}`;
}

function describeDefault({ account, namespace }: AskedAccess, isGranted: boolean): string {
  if (account === undefined) return "data needs an account, whatever rules say";
  if (!mayReachNamespace(account, namespace))
    return `the data of ${namespace} is for its own accounts, whatever rules say`;
  if (!isGranted) return "no rule of that type grants it, and the account is not an administrator";
  const who = isAdministrator(account) ? "administrators and services" : "accounts of the namespace";
  return `no rule speaks of it, and ${who} may`;
}

function describeScope({ scope }: Rule): string {
  if (scope === "") return "everybody";
  if (scope === "*") return "every account of the namespace";
  if (scope === "+") return "every account";
  return `accounts with scope ${scope}`;
}
