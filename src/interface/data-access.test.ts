import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { Account, Rule } from "./auth.ts";
import { CachedAccessRules } from "./cached-access-rules.ts";
import { decideData, requireData, type DataResource } from "./data-access.ts";

const person: Account = { id: "ann", type: "user", namespace: "shop", name: "ann", scopes: [], metadata: {} };
const reader: Account = { ...person, scopes: ["reader"] };
const chief: Account = { ...person, scopes: ["admin"] };
const worker: Account = { ...person, type: "service", scopes: ["service"] };
const operator: Account = { ...person, namespace: "micro", scopes: ["admin"] };
const stranger: Account = { ...person, namespace: "bank", scopes: ["admin", "reader"] };

const openToAll = toRule("default", "grant * *:*:*");

/** `grant SCOPE TYPE:NAME:ENDPOINT [PRIORITY]`; scope `-` is everybody. */
function toRule(id: string, text: string): Rule {
  const [verb, scope = "", resource = "", priority = "0"] = text.split(" ");
  const [type = "", name = "", endpoint = ""] = resource.split(":");
  return {
    id,
    scope: scope === "-" ? "" : scope,
    resource: { type, name, endpoint },
    access: verb === "grant" ? "granted" : "denied",
    priority: Number(priority),
  };
}

function rulesOf(...texts: string[]): CachedAccessRules {
  const rules = [openToAll, ...texts.map((text, index) => toRule(`r${index}`, text))];
  return new CachedAccessRules({ rulesOf: () => rules, onChange: () => () => undefined });
}

function may(rules: CachedAccessRules | undefined, account: Account | undefined, text: string): boolean {
  const [type, name, endpoint] = text.split(":") as [DataResource["type"], string, string];
  return decideData(rules, account, { namespace: "shop", resource: { type, name, endpoint } }).granted;
}

describe("decideData()", () => {
  it("leaves data to services and administrators where no rule names its type", () => {
    for (const rules of [undefined, rulesOf(), rulesOf("grant - *:orders:*")]) {
      for (const [account, isAllowed] of [
        [undefined, false],
        [person, false],
        [chief, true],
        [worker, true],
        [operator, true],
      ] as const) {
        for (const what of ["stream:orders:consume", "store:orders:read", "config:mail:write", "blob:a:read"]) {
          expect([what, account?.scopes, may(rules, account, what)]).toEqual([what, account?.scopes, isAllowed]);
        }
        expect(may(rules, account, "topic:orders:publish")).toBe(account !== undefined);
      }
    }
  });

  it("is widened by a rule that names the type, for what it names alone", () => {
    const rules = rulesOf("grant reader stream:orders:consume");
    expect(may(rules, reader, "stream:orders:consume")).toBe(true);
    expect(may(rules, person, "stream:orders:consume")).toBe(false);
    for (const other of ["stream:orders:publish", "stream:other:consume", "stream:*:consume", "store:orders:consume"]) {
      expect([other, may(rules, reader, other)]).toEqual([other, false]);
    }
    expect(may(rules, chief, "stream:orders:consume")).toBe(true);
    expect(may(rules, operator, "stream:orders:consume")).toBe(true);
  });

  it("is narrowed by a rule that denies, of the type or of all", () => {
    for (const rules of [rulesOf("deny service store:salaries:* 1"), rulesOf("deny service *:salaries:* 1")]) {
      expect(may(rules, worker, "store:salaries:read")).toBe(false);
      expect(may(rules, worker, "store:other:read")).toBe(true);
      expect(may(rules, chief, "store:salaries:read")).toBe(true);
    }
  });

  it("refuses all at once to whom one of them is denied, but lists names", () => {
    const rules = rulesOf("deny * config:Payments:read 1", "grant reader config:*:* 1");
    expect(may(rules, worker, "config:*:read")).toBe(false);
    expect(may(rules, worker, "config:mail:read")).toBe(true);
    expect(may(rules, worker, "config:*:write")).toBe(true);
    expect(may(rulesOf("deny * store:a:list 1"), worker, "store:*:list")).toBe(true);
  });

  it("gives no account of another namespace anything, whatever rules say", () => {
    const rules = rulesOf("grant + *:*:* 9", "grant - store:*:* 9", "grant reader store:*:* 9");
    expect(may(rules, stranger, "store:orders:read")).toBe(false);
    expect(may(rules, undefined, "store:orders:read")).toBe(false);
    expect(may(rules, person, "store:orders:read")).toBe(true);
  });

  it("agrees with a plain reading of the rules, whatever they are", () => {
    const word = fc.constantFrom("*", "a", "B");
    const rule = fc
      .tuple(
        fc.constantFrom("grant", "deny"),
        fc.constantFrom("-", "*", "+", "admin", "reader", "service"),
        fc.constantFrom("*", "store", "stream"),
        word,
        word,
        fc.integer({ min: 0, max: 2 }),
      )
      .map(
        ([verb, scope, type, name, endpoint, priority]) => `${verb} ${scope} ${type}:${name}:${endpoint} ${priority}`,
      );
    const accounts = fc.constantFrom(undefined, person, reader, chief, worker, operator, stranger);
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), accounts, word, word, (texts, account, name, endpoint) => {
        const rules = [openToAll, ...texts.map((text, index) => toRule(`r${index}`, text))];
        const expected = plainly(rules, account, { name, endpoint });
        expect(may(rulesOf(...texts), account, `store:${name}:${endpoint}`)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What docs/access.md says, word by word. */
function plainly(
  rules: readonly Rule[],
  account: Account | undefined,
  asked: { readonly name: string; readonly endpoint: string },
): boolean {
  if (account === undefined) return false;
  const isOperator = account === operator;
  if (account.namespace !== "shop" && !isOperator) return false;
  const verdict = (name: string): Rule | undefined => {
    const sorted = rules.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
    return sorted.find(({ resource, scope, access }) => {
      if (access === "granted" && resource.type === "*") return false;
      const fits = (pattern: string, text: string): boolean =>
        pattern === "*" || pattern.toLowerCase() === text.toLowerCase();
      if (!fits(resource.type, "store") || !fits(resource.name, name) || !fits(resource.endpoint, asked.endpoint)) {
        return false;
      }
      // An account from elsewhere meets its end at the first rule that is for accounts of the namespace.
      return ["", "*", "+"].includes(scope) || isOperator || account.scopes.includes(scope);
    });
  };
  const first = verdict(asked.name);
  if (first?.access === "denied") return false;
  const denied = rules.filter(({ access, resource }) => access === "denied" && resource.name !== "*");
  if (asked.name === "*" && denied.some(({ resource }) => verdict(resource.name)?.access === "denied")) return false;
  const isForeign = isOperator && !["", "+"].includes(first?.scope ?? "");
  if (first !== undefined && !isForeign) return true;
  return account.scopes.includes("admin") || account.type === "service";
}

describe("requireData()", () => {
  it("names the rule that denies, or says what is missing", () => {
    const ask = (rules: CachedAccessRules, account: Account): void => {
      const resource = { type: "store", name: "orders", endpoint: "read" } as const;
      requireData(rules, account, { namespace: "shop", resource, at: "Store.Read" });
    };
    expect(() => ask(rulesOf("deny * store:orders:* 1"), chief)).toThrow(
      "rule r0 denies account ann read of store orders",
    );
    expect(() => ask(rulesOf(), person)).toThrow(
      "account ann is not an administrator of namespace shop, and no rule grants it read of store orders",
    );
  });
});
