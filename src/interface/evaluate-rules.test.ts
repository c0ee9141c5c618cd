import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import type { Account, Resource, Rule } from "./auth.ts";
import { evaluateRules, isMatch } from "./evaluate-rules.ts";

const resource: Resource = { type: "service", name: "greeter", endpoint: "Say.Hello" };

function rule(id: string, parts: Partial<Omit<Rule, "id">> = {}): Rule {
  const all = { type: "*", name: "*", endpoint: "*" };
  return { id, scope: "", resource: all, access: "granted", priority: 0, ...parts };
}

function account(parts: Partial<Account> = {}): Account {
  return { id: "jane", type: "user", namespace: "shop", name: "jane", scopes: [], metadata: {}, ...parts };
}

function decide(rules: readonly Rule[], caller: Account | undefined): [boolean, string | undefined] {
  const { granted, rule: decisive } = evaluateRules(rules, { account: caller, namespace: "shop", resource });
  return [granted, decisive?.id];
}

describe("evaluateRules()", () => {
  it("denies when there is no rule", () => {
    expect(decide([], account())).toEqual([false, undefined]);
    expect(decide([], undefined)).toEqual([false, undefined]);
  });

  it("lets a public rule decide for everybody", () => {
    expect(decide([rule("a")], undefined)).toEqual([true, "a"]);
    expect(decide([rule("a", { access: "denied" })], account())).toEqual([false, "a"]);
    expect(decide([rule("a")], account({ namespace: "other" }))).toEqual([true, "a"]);
  });

  it("passes over rules for accounts when there is none", () => {
    const rules = [rule("a", { scope: "*" }), rule("b", { scope: "+" }), rule("c", { scope: "admin" })];
    expect(decide(rules, undefined)).toEqual([false, undefined]);
    expect(decide([...rules, rule("d")], undefined)).toEqual([true, "d"]);
  });

  it("takes * for accounts of the namespace and + for all", () => {
    expect(decide([rule("a", { scope: "*" })], account())).toEqual([true, "a"]);
    expect(decide([rule("a", { scope: "*" })], account({ namespace: "other" }))).toEqual([false, "a"]);
    expect(decide([rule("a", { scope: "+" })], account({ namespace: "other" }))).toEqual([true, "a"]);
  });

  it("refuses an account of another namespace at the first matching rule that is not for all", () => {
    const rules = [rule("a", { scope: "admin", priority: 2 }), rule("b", { priority: 1 })];
    expect(decide(rules, account({ namespace: "other", scopes: ["admin"] }))).toEqual([false, "a"]);
    expect(decide(rules, account())).toEqual([true, "b"]);
  });

  it("compares scopes without case and skips those that the account lacks", () => {
    const rules = [rule("a", { scope: "Developer", access: "denied" }), rule("b", { scope: "admin" })];
    expect(decide(rules, account({ scopes: ["developer"] }))).toEqual([false, "a"]);
    expect(decide(rules, account({ scopes: ["ADMIN"] }))).toEqual([true, "b"]);
    expect(decide(rules, account())).toEqual([false, undefined]);
  });

  it("asks higher priorities first, then lower ids, whatever the order given", () => {
    const rules = [rule("b"), rule("a", { access: "denied" }), rule("c", { priority: -1 })];
    expect(decide(rules, undefined)).toEqual([false, "a"]);
    expect(decide(rules.toReversed(), undefined)).toEqual([false, "a"]);
    expect(decide([...rules, rule("z", { priority: 1 })], undefined)).toEqual([true, "z"]);
  });

  it("ignores rules about other things", () => {
    const other = { type: "service", name: "other", endpoint: "*" };
    expect(decide([rule("a", { resource: other, access: "denied", priority: 9 }), rule("b")], undefined)).toEqual([
      true,
      "b",
    ]);
  });

  it("never depends on rules that come after the one that decides, nor on the order", () => {
    const word = fc.constantFrom("", "*", "+", "admin", "dev");
    const anyRule = fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      scope: word,
      resource: fc.record({
        type: fc.constantFrom("*", "service", "topic"),
        name: fc.constantFrom("*", "greeter", "other"),
        endpoint: fc.constantFrom("*", "Say.Hello", "Say.*"),
      }),
      access: fc.constantFrom("granted", "denied"),
      priority: fc.integer({ min: -2, max: 2 }),
    });
    const caller = fc.option(
      fc.record({ namespace: fc.constantFrom("shop", "other"), scopes: fc.subarray(["admin", "dev"]) }),
      { nil: undefined },
    );
    const rules = fc.uniqueArray(anyRule, { selector: ({ id }) => id, maxLength: 8 });
    fc.assert(
      fc.property(rules, caller, fc.infiniteStream(fc.nat()), (list, who, numbers) => {
        const someone = who === undefined ? undefined : account(who);
        const first = decide(list, someone);
        const shuffled = list.map((each) => ({ each, at: numbers.next().value })).sort((a, b) => a.at - b.at);
        expect(
          decide(
            shuffled.map(({ each }) => each),
            someone,
          ),
        ).toEqual(first);
        const decisive = list.find(({ id }) => id === first[1]);
        if (decisive === undefined) return;
        expect(decide([decisive], someone)).toEqual(first);
        if (first[0]) expect(decisive.access).toBe("granted");
      }),
    );
  });
});

describe("isMatch()", () => {
  const endpoint = (pattern: string, asked: string): boolean =>
    isMatch({ type: "*", name: "*", endpoint: pattern }, { ...resource, endpoint: asked });

  it.each([
    ["*", "Say.Hello", true],
    ["say.hello", "Say.Hello", true],
    ["Say.*", "Say.Hello", false],
    ["Say.Hello", "Say.Hello2", false],
    ["/*", "/a/b", true],
    ["/a/*", "/a/b/c", true],
    ["/A/*", "/a", true],
    ["/a/*", "/ab", false],
    ["/a/b/*", "/a/c", false],
    ["/*", "Say.Hello", false],
  ])("endpoint %p against %p is %p", (pattern, asked, expected) => {
    expect(endpoint(pattern, asked)).toBe(expected);
  });

  it("compares type and name without case", () => {
    expect(isMatch({ type: "SERVICE", name: "Greeter", endpoint: "*" }, resource)).toBe(true);
    expect(isMatch({ type: "topic", name: "*", endpoint: "*" }, resource)).toBe(false);
    expect(isMatch({ type: "*", name: "other", endpoint: "*" }, resource)).toBe(false);
  });
});
