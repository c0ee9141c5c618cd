import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { Account, Resource, Rule } from "./auth.ts";
import { CachedAccessRules } from "./cached-access-rules.ts";

const all = { type: "*", name: "*", endpoint: "*" };
const open: Rule = { id: "default", scope: "", resource: all, access: "granted", priority: 0 };
const hello: Resource = { type: "service", name: "greeter", endpoint: "Say.Hello" };
const jane: Account = { id: "jane", type: "user", namespace: "shop", name: "jane", scopes: [], metadata: {} };

/** Rules that count how often they are looked at. */
function watchedRules() {
  const state = { rules: [open], lookCount: 0, change: () => undefined as void };
  const rules = new CachedAccessRules({
    rulesOf: () => {
      state.lookCount += 1;
      return state.rules;
    },
    onChange: (listener) => {
      state.change = listener;
      return () => undefined;
    },
  });
  return { state, rules };
}

describe("CachedAccessRules", () => {
  it("decides once for an account, a namespace and a resource, until rules change", () => {
    const { state, rules } = watchedRules();
    for (let call = 0; call < 10; call += 1) expect(rules.decide(jane, "shop", hello).granted).toBe(true);
    expect(state.lookCount).toBe(1);
    for (const [account, namespace, resource] of [
      [undefined, "shop", hello],
      [{ ...jane }, "shop", hello],
      [jane, "bank", hello],
      [jane, "shop", { ...hello, endpoint: "Say.Bye" }],
    ] as const) {
      rules.decide(account, namespace, resource);
      rules.decide(account, namespace, resource);
    }
    expect(state.lookCount).toBe(5);
    state.rules = [{ ...open, access: "denied" }];
    state.change();
    expect(rules.decide(jane, "shop", hello).granted).toBe(false);
    expect(state.lookCount).toBe(6);
  });

  it("remembers no more than its share, whatever names are made up", () => {
    const { state, rules } = watchedRules();
    rules.decide(jane, "shop", hello);
    for (let name = 0; name < limits.tokenCacheCountMax; name += 1) {
      rules.decide(undefined, "shop", { ...hello, name: `made-up-${name}` });
    }
    const before = state.lookCount;
    rules.decide(jane, "shop", hello);
    expect(state.lookCount).toBe(before + 1);
  });

  it("takes no name for parts of another resource", () => {
    const { state, rules } = watchedRules();
    state.rules = [{ ...open, resource: { ...hello, name: "a" }, access: "denied", priority: 1 }, open];
    expect(rules.decide(jane, "shop", { type: "service", name: "a", endpoint: "X.Y" }).granted).toBe(true);
    expect(rules.decide(jane, "shop", { type: "service\na", name: "Say.Hello", endpoint: "" }).granted).toBe(true);
    expect(rules.decide(jane, "shop", { ...hello, name: "a" }).granted).toBe(false);
  });
});
