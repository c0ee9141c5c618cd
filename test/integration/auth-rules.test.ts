import { describe, expect, it } from "bun:test";
import { expectError } from "#conformance/expect-error.ts";
import type { Rule } from "#interface/auth.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { openAuth } from "./open-auth.ts";

describe("rules", () => {
  const resource = { type: "service", name: "greeter", endpoint: "Say.Hello" };
  const rule = (id: string, parts: Partial<Rule> = {}): Rule => {
    const all = { type: "*", name: "*", endpoint: "*" };
    return { id, scope: "", resource: all, access: "denied", priority: 1, ...parts };
  };

  it("start with a public one in every namespace", async () => {
    await using temp = await createTempFolder();
    const { auth, ruleBook, close } = await openAuth(temp.path);
    expect(ruleBook.get("shop").rules.map(({ id }) => id)).toEqual(["default"]);
    expect(auth.rules.decide(undefined, "shop", resource).granted).toBe(true);
    await close();
  });

  it("decide at once after a change, and after a restart", async () => {
    await using temp = await createTempFolder();
    const first = await openAuth(temp.path);
    expect(first.auth.rules.decide(undefined, "shop", resource).granted).toBe(true);
    await first.ruleBook.create("shop", rule("closed"));
    expect(first.auth.rules.decide(undefined, "shop", resource)).toMatchObject({
      granted: false,
      rule: { id: "closed" },
    });
    expect(first.auth.rules.decide(undefined, "other", resource).granted).toBe(true);
    await first.close();
    const second = await openAuth(temp.path);
    expect(second.auth.rules.decide(undefined, "shop", resource).granted).toBe(false);
    expect(second.ruleBook.get("shop").rules.map(({ id }) => id)).toEqual(["closed", "default"]);
    await second.ruleBook.delete("shop", "closed");
    expect(second.auth.rules.decide(undefined, "shop", resource).granted).toBe(true);
    await second.close();
  });

  it("stay away when the last one was deleted, also after a restart", async () => {
    await using temp = await createTempFolder();
    const first = await openAuth(temp.path);
    await first.ruleBook.delete("shop", "default");
    await first.ruleBook.delete("shop", "default");
    expect(first.auth.rules.decide(undefined, "shop", resource)).toEqual({ granted: false });
    await first.close();
    const second = await openAuth(temp.path);
    expect(second.ruleBook.get("shop").rules).toEqual([]);
    expect(second.auth.rules.decide(undefined, "shop", resource)).toEqual({ granted: false });
    await second.close();
  });

  it("refuse an id that is taken, and bad ones", async () => {
    await using temp = await createTempFolder();
    const { ruleBook, close } = await openAuth(temp.path);
    const error = await expectError(ruleBook.create("shop", rule("default")), "invalid_argument");
    expect(error.detail).toBe("A rule with this ID already exists");
    const attempts = Array.from({ length: 5 }, () => ruleBook.create("shop", rule("raced")));
    const results = await Promise.allSettled(attempts);
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    await expect(async () => ruleBook.create("shop", rule("a/b"))).toThrow("rule name");
    await expect(async () => ruleBook.create("../shop", rule("a"))).toThrow("namespace name");
    await close();
  });
});
