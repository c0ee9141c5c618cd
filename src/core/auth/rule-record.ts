import { MicroError } from "#base/error.ts";
import { requireName } from "#base/name.ts";
import type { Rule } from "#interface/auth.ts";

/** What a namespace starts with: its services are open to everybody, until somebody decides otherwise. */
export const defaultRule: Rule = {
  id: "default",
  scope: "",
  resource: { type: "*", name: "*", endpoint: "*" },
  access: "granted",
  priority: 0,
};

const partLengthMax = 256;

/** The rule itself. @throws MicroError `invalid_argument` that names what is wrong. */
export function checkRule(rule: Rule): Rule {
  if (rule.id === "") throw new MicroError("invalid_argument", "ID missing");
  requireName("rule", rule.id);
  for (const [what, text] of Object.entries(rule.resource)) {
    if (text === "")
      throw new MicroError("invalid_argument", `Resource missing: its ${what} is empty, * stands for all`);
    requirePart(`${what} of the resource`, text);
  }
  requirePart("scope", rule.scope);
  if (Number.isInteger(rule.priority) && Math.abs(rule.priority) < 2 ** 31) return rule;
  throw new MicroError("invalid_argument", `priority must be a whole number of 32 bits, not ${rule.priority}`);
}

function requirePart(what: string, text: string): void {
  if (text.length <= partLengthMax && !/\p{Cc}/u.test(text)) return;
  throw new MicroError("invalid_argument", `the ${what} is at most ${partLengthMax} characters of plain text`);
}
