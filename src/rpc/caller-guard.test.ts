import { describe, expect, it } from "bun:test";
import type { Account, Decision, Resource } from "#interface/auth.ts";
import { readToken } from "./authorization.ts";
import { createCallerGuard } from "./caller-guard.ts";
import type { ServerCall } from "./server-call.ts";

const ann: Account = { id: "ann", type: "user", namespace: "foo", name: "ann", scopes: ["admin"], metadata: {} };
const admin: Account = { ...ann, id: "admin", namespace: "micro" };

/** What the guard made of a call. */
async function guard(
  headers: Record<string, string>,
  given: { service?: string; decide?: (namespace: string, resource: Resource) => Decision } = {},
): Promise<{ account: string | undefined; namespace: string; asked: string }> {
  let asked = "";
  const call = {
    service: given.service ?? "greeter",
    endpoint: "Say.Hello",
    metadata: headers,
    account: undefined as Account | undefined,
    namespace: "",
  };
  const check = createCallerGuard({
    verifier: { verify: (token) => (token === "later" ? Promise.resolve(ann) : { ann, admin }[token]) },
    rules: {
      decide: (account, namespace, resource) => {
        asked = `${account?.id} ${namespace} ${resource.type}:${resource.name}:${resource.endpoint}`;
        return given.decide?.(namespace, resource) ?? { granted: true };
      },
    },
    isCore: (service) => service === "auth",
    isLogin: ({ service }) => service === "auth",
  });
  await check(call as unknown as ServerCall);
  return { account: call.account?.id, namespace: call.namespace, asked };
}

describe("createCallerGuard()", () => {
  it("answers at once when the verifier does", () => {
    const check = createCallerGuard({
      verifier: { verify: () => ann },
      rules: { decide: () => ({ granted: true }) },
      isCore: () => false,
    });
    const call = { service: "a", endpoint: "A.B", metadata: { authorization: "Bearer x" } };
    expect(check(call as unknown as ServerCall)).toBeUndefined();
  });

  it("lets anonymous callers name any namespace, and asks its rules", async () => {
    expect(await guard({})).toMatchObject({ account: undefined, namespace: "micro" });
    expect(await guard({ "micro-namespace": "foo" })).toEqual({
      account: undefined,
      namespace: "foo",
      asked: "undefined foo service:greeter:Say.Hello",
    });
  });

  it("takes the namespace of the account where none is named", async () => {
    for (const token of ["ann", "later"]) {
      expect(await guard({ authorization: `Bearer ${token}` })).toMatchObject({ account: "ann", namespace: "foo" });
    }
  });

  it("lets administrators of the installation act anywhere, others in their own namespace", async () => {
    const named = (token: string, namespace: string) =>
      guard({ authorization: `Bearer ${token}`, "micro-namespace": namespace });
    expect(await named("admin", "foo")).toMatchObject({ namespace: "foo" });
    expect(await named("ann", "foo")).toMatchObject({ namespace: "foo" });
    expect(named("ann", "micro")).rejects.toMatchObject({ code: "permission_denied" });
  });

  it("asks the rules of namespace micro for core services, which every account may reach", async () => {
    const bearer = { authorization: "Bearer ann" };
    expect(await guard(bearer, { service: "auth" })).toMatchObject({
      namespace: "foo",
      asked: "ann micro service:auth:Say.Hello",
    });
    expect(await guard({ ...bearer, "micro-namespace": "micro" }, { service: "auth" })).toMatchObject({
      namespace: "micro",
    });
    // Naming a namespace with looser rules is no way around those of a core service.
    expect(await guard({ "micro-namespace": "foo" }, { service: "auth" })).toMatchObject({
      asked: "undefined micro service:auth:Say.Hello",
    });
  });

  it("refuses a token that does not hold, but for calls that get a new one", async () => {
    expect(guard({ authorization: "Bearer old" })).rejects.toMatchObject({ code: "unauthenticated" });
    expect(await guard({ authorization: "Bearer old" }, { service: "auth" })).toMatchObject({ account: undefined });
  });

  it("tells who was refused what", () => {
    const decide = (): Decision => ({ granted: false });
    expect(guard({}, { decide })).rejects.toThrow("Unauthorized call made to greeter:Say.Hello");
    expect(guard({ authorization: "Bearer ann" }, { decide })).rejects.toThrow(
      "Forbidden call made to greeter:Say.Hello by ann",
    );
  });
});

describe("readToken()", () => {
  it("reads Bearer and Basic", () => {
    expect(readToken("Bearer a.b.c", "")).toBe("a.b.c");
    expect(readToken("bearer  a.b.c", "")).toBe("a.b.c");
    expect(readToken(`Basic ${Buffer.from("user:a:b").toString("base64")}`, "")).toBe("a:b");
    expect(readToken(undefined, "")).toBeUndefined();
    expect(readToken("", "")).toBeUndefined();
  });

  it("refuses what it does not know", () => {
    for (const header of ["Digest x", "Bearer", "x"])
      expect(() => readToken(header, "s")).toThrow("expected Bearer schema");
  });
});
