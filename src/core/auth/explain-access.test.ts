import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { Account, Rule } from "#interface/auth.ts";
import { CachedAccessRules } from "#interface/cached-access-rules.ts";
import { requireData } from "#interface/data-access.ts";
import { isDataType } from "#interface/data-type.ts";
import { explainAccess } from "./explain-access.ts";

const person: Account = { id: "ann", type: "user", namespace: "shop", name: "ann", scopes: ["reader"], metadata: {} };
const accounts: readonly (Account | undefined)[] = [
  undefined,
  person,
  { ...person, scopes: ["admin"] },
  { ...person, type: "service", scopes: ["service"] },
  { ...person, namespace: "micro", scopes: ["admin"] },
  { ...person, namespace: "bank", scopes: ["admin", "reader"] },
];

const word = fc.constantFrom("*", "a", "b");
const anyRule: fc.Arbitrary<Rule> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 3 }),
  scope: fc.constantFrom("", "*", "+", "admin", "reader", "service"),
  resource: fc.record({ type: fc.constantFrom("*", "service", "store", "topic"), name: word, endpoint: word }),
  access: fc.constantFrom("granted", "denied"),
  priority: fc.integer({ min: -1, max: 1 }),
});

describe("explainAccess()", () => {
  it("says what happens, and names the rule that decides", () => {
    const asked = fc.record({ type: fc.constantFrom("service", "store", "topic"), name: word, endpoint: word });
    fc.assert(
      fc.property(
        fc.array(anyRule, { maxLength: 6 }),
        fc.constantFrom(...accounts),
        asked,
        (list, account, resource) => {
          const rules = new CachedAccessRules({ rulesOf: () => list, onChange: () => () => undefined });
          const explained = explainAccess(rules, { account, namespace: "shop", resource });
          expect(explained.granted).toBe(happens(rules, account, resource));
          expect(explained.reason).toInclude(explained.granted ? " may use " : " may not use ");
          if (explained.rule !== undefined) expect(explained.reason).toInclude(`rule ${explained.rule.id} `);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** What an edge does with a call, and a core service with data. */
function happens(rules: CachedAccessRules, account: Account | undefined, resource: Rule["resource"]): boolean {
  const { type } = resource;
  if (!isDataType(type)) return rules.decide(account, "shop", resource).granted;
  try {
    requireData(rules, account, { namespace: "shop", resource: { ...resource, type }, at: "here" });
    return true;
  } catch {
    return false;
  }
}
