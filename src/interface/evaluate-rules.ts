import type { Account, Decision, Resource, Rule } from "./auth.ts";
import { isDataType } from "./data-type.ts";

/**
 * Decides by the rules of a namespace. The first rule that matches the resource and says something about the account
 * decides: higher priority first, then the lower id. When none does, the answer is no.
 *
 * Words are compared without case. An account of another namespace is refused by the first matching rule that is neither
 * public nor `+`. A rule for all types that grants is silent about data: it opens services.
 *
 * @param namespace that of the resource.
 */
export function evaluateRules(
  rules: readonly Rule[],
  request: { readonly account: Account | undefined; readonly namespace: string; readonly resource: Resource },
): Decision {
  const { account, namespace, resource } = request;
  for (const rule of sortRules(rules)) {
    if (!isMatch(rule.resource, resource) || isSilent(rule, resource)) continue;
    const verdict = judge(rule, account, namespace);
    if (verdict !== "not concerned") return { granted: verdict === "granted", rule };
  }
  return { granted: false };
}

/** The order in which rules decide. */
export function sortRules(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((left, right) => right.priority - left.priority || compareText(left.id, right.id));
}

/** True when a rule about `pattern` is about `asked`. `*` stands for all; `/a/*` for the path `/a` and what is below it. */
export function isMatch(pattern: Resource, asked: Resource): boolean {
  return (
    isSameOrAll(pattern.type, asked.type) &&
    isSameOrAll(pattern.name, asked.name) &&
    (isSameOrAll(pattern.endpoint, asked.endpoint) || isBelow(pattern.endpoint, asked.endpoint))
  );
}

function judge(rule: Rule, account: Account | undefined, namespace: string): "granted" | "denied" | "not concerned" {
  if (rule.scope === "") return rule.access;
  if (account === undefined) return "not concerned";
  if (rule.scope === "+") return rule.access;
  if (account.namespace !== namespace) return "denied";
  if (rule.scope === "*") return rule.access;
  const scope = rule.scope.toLowerCase();
  return account.scopes.some((each) => each.toLowerCase() === scope) ? rule.access : "not concerned";
}

function isSilent({ access, resource }: Rule, asked: Resource): boolean {
  return access === "granted" && resource.type === "*" && isDataType(asked.type.toLowerCase());
}

function isSameOrAll(pattern: string, asked: string): boolean {
  return pattern === "*" || pattern.toLowerCase() === asked.toLowerCase();
}

function isBelow(pattern: string, asked: string): boolean {
  if (!pattern.endsWith("/*") || !asked.includes("/")) return false;
  const folder = pattern.slice(0, -2).toLowerCase();
  const path = asked.toLowerCase();
  return path === folder || path.startsWith(`${folder}/`);
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
