import { isRecord } from "#base/json.ts";
import type { Rule } from "#interface/auth.ts";

/** What the auth service says of a namespace. */
export interface RuleNews {
  readonly rules: readonly Rule[];
  /** First generation of an account's tokens that counts, by its id: what is new since the last message. */
  readonly ended: ReadonlyMap<string, number>;
}

/** Reads an answer of `Rules.List` or `Rules.Watch`. A rule of which a part is missing counts as one that says nothing. */
export function readRuleNews(answer: unknown): RuleNews {
  const { rules, ended } = isRecord(answer) ? answer : {};
  return {
    rules: recordsOf(rules).flatMap((each) => readRule(each) ?? []),
    ended: new Map(recordsOf(ended).map((each) => [textOf(each["account"]), Number(each["generation"])])),
  };
}

function readRule(value: Readonly<Record<string, unknown>>): Rule | undefined {
  const { resource, access } = value;
  if (!isRecord(resource) || (access !== "GRANTED" && access !== "DENIED")) return undefined;
  return {
    id: textOf(value["id"]),
    scope: textOf(value["scope"]),
    resource: {
      type: textOf(resource["type"]),
      name: textOf(resource["name"]),
      endpoint: textOf(resource["endpoint"]),
    },
    access: access === "GRANTED" ? "granted" : "denied",
    priority: Number(value["priority"] ?? 0),
  };
}

function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => isRecord(each)) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
