import { describe, expect, it } from "bun:test";
import type { Account } from "./auth.ts";
import { mayReachNamespace, requireNamespace, requireNamespaceAdmin, requireOwnNamespace } from "./namespace-access.ts";

const operator: Account = { id: "a", type: "user", namespace: "micro", name: "a", scopes: ["admin"], metadata: {} };
const service: Account = { ...operator, type: "service", scopes: ["service"], namespace: "shop" };
const person: Account = { ...operator, scopes: [], namespace: "shop" };
const robot: Account = { ...operator, type: "robot", namespace: "shop" };

describe("requireNamespace()", () => {
  it("lets nobody pass who names no namespace, not even an administrator of the installation", () => {
    for (const account of [operator, service, person, robot]) {
      expect(() => requireNamespace(account, "", "here")).toThrow("namespace is missing");
      expect(() => requireNamespaceAdmin(account, "", "here")).toThrow("namespace is missing");
      expect(mayReachNamespace(account, "")).toBe(false);
    }
    expect(() => requireNamespace(undefined, "", "here")).toThrow("an account is required");
  });

  it("lets accounts of the namespace pass, and administrators of the installation everywhere", () => {
    for (const [account, namespace, isAllowed] of [
      [operator, "shop", true],
      [service, "shop", true],
      [person, "shop", true],
      [robot, "shop", false],
      [service, "micro", false],
      [person, "shopping", false],
      [{ ...operator, scopes: [] }, "shop", false],
    ] as const) {
      expect(mayReachNamespace(account, namespace)).toBe(isAllowed);
    }
  });
});

describe("requireOwnNamespace()", () => {
  it("takes the namespace of the core services for the account's own, and others as they are", () => {
    expect(requireOwnNamespace(service, "micro", "here")).toBe("shop");
    expect(requireOwnNamespace(service, "", "here")).toBe("shop");
    expect(requireOwnNamespace(service, "bank", "here")).toBe("bank");
    expect(requireOwnNamespace(operator, "shop", "here")).toBe("shop");
    expect(requireOwnNamespace(operator, "micro", "here")).toBe("micro");
    expect(() => requireOwnNamespace(undefined, "micro", "here")).toThrow("an account is required");
  });
});
