import type { Account, Decision, Resource } from "#interface/auth.ts";

/** One sentence for a person: may he, and because of which rule. */
export function explainDecision(
  decision: Decision,
  request: { account: Account | undefined; namespace: string; resource: Resource },
): string {
  const { account, namespace, resource } = request;
  const who = account === undefined ? "a caller without an account" : `account ${account.id} of ${account.namespace}`;
  const what = `${resource.type} ${resource.name}, endpoint ${resource.endpoint}, in namespace ${namespace}`;
  const { rule } = decision;
  if (rule === undefined) return `${who} may not use ${what}: no rule grants it`;
  if (decision.granted) return `${who} may use ${what}: rule ${rule.id} grants it to ${describeScope(rule.scope)}`;
  if (rule.access === "granted") {
    return `${who} may not use ${what}: rule ${rule.id} is for accounts of namespace ${namespace} alone`;
  }
  return `${who} may not use ${what}: rule ${rule.id} denies it to ${describeScope(rule.scope)}`;
}

function describeScope(scope: string): string {
  if (scope === "") return "everybody";
  if (scope === "*") return "every account of the namespace";
  if (scope === "+") return "every account";
  return `accounts with scope ${scope}`;
}
