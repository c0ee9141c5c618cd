import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { silentLogger } from "#base/logger.ts";
import { expectError } from "#conformance/expect-error.ts";
import { createAuthTable } from "#core/auth/auth-table.ts";
import { createAuth, type Auth } from "#core/auth/auth.ts";
import { createSigningKeys } from "#core/auth/signing-keys.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import type { Account } from "#interface/auth.ts";
import type { RpcMethod, ServiceTable } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

const nobody = undefined;
const administrator = account("admin", { namespace: "micro", scopes: ["admin"] });
const shopAdministrator = account("boss", { scopes: ["admin"] });
const shopUser = account("jane");
const microUser = account("joe", { namespace: "micro" });
const shopService = account("orders-v1", { type: "service", scopes: ["service"] });

let auth: Auth;
let table: ServiceTable;

beforeAll(async () => {
  auth = await createAuth({ store: new MemoryStore(), keys: await createSigningKeys(), logger: silentLogger });
  table = createAuthTable(auth, "latest");
});
afterAll(() => auth.stop());

function account(id: string, parts: Partial<Account> = {}): Account {
  return { id, type: "user", namespace: "shop", name: id, scopes: [], metadata: {}, ...parts };
}

/** A call of `caller` in its own namespace. */
function createCall(endpoint: string, caller: Account | undefined, signal = new AbortController().signal): ServerCall {
  return {
    path: `/auth.${endpoint.replace(".", "/")}`,
    service: "auth",
    endpoint,
    encoding: "json",
    metadata: {},
    signal,
    deadlineMs: undefined,
    peer: "127.0.0.1:1",
    account: caller,
    namespace: caller?.namespace ?? "micro",
  };
}

function method(endpoint: string): RpcMethod {
  const found = table.method(endpoint);
  if (found === undefined) throw new Error(`no endpoint ${endpoint}`);
  return found;
}

async function call(
  endpoint: string,
  caller: Account | undefined,
  body: unknown = {},
): Promise<Record<string, unknown>> {
  const message = new TextEncoder().encode(JSON.stringify(body));
  const answer = await method(endpoint).unary(message, createCall(endpoint, caller));
  return JSON.parse(new TextDecoder().decode(answer)) as Record<string, unknown>;
}

const inNamespace = (namespace: string) => ({ options: { namespace } });

describe("the service auth", () => {
  it("publishes every endpoint of the contract", () => {
    expect(table.endpoints.map(({ name }) => name)).toEqual([
      "Auth.Generate",
      "Auth.Inspect",
      "Auth.Token",
      "Auth.Revoke",
      "Auth.Explain",
      "Accounts.List",
      "Accounts.Delete",
      "Accounts.ChangeSecret",
      "Accounts.Revoke",
      "Audit.Read",
      "Rules.Create",
      "Rules.Delete",
      "Rules.List",
      "Rules.Watch",
    ]);
  });

  it("lets administrators of the namespace, and nobody else, manage accounts and rules", async () => {
    const rule = { id: "r", access: 1, resource: { type: "*", name: "*", endpoint: "*" } };
    const requests: [string, unknown][] = [
      ["Auth.Generate", { id: "new", ...inNamespace("shop") }],
      ["Accounts.List", inNamespace("shop")],
      ["Accounts.Delete", { id: "x", ...inNamespace("shop") }],
      ["Accounts.Revoke", { id: "x", ...inNamespace("shop") }],
      ["Audit.Read", inNamespace("shop")],
      ["Rules.Create", { rule, ...inNamespace("shop") }],
      ["Rules.Delete", { id: "x", ...inNamespace("shop") }],
    ];
    for (const [endpoint, body] of requests) {
      await expectError(call(endpoint, nobody, body), "unauthenticated");
      const refused = await expectError(call(endpoint, shopUser, body), "permission_denied");
      expect(refused.detail).toBe("account jane is not an administrator of namespace shop");
      await expectError(call(endpoint, microUser, body), "permission_denied");
      await expectError(
        call(endpoint, account("x", { namespace: "other", scopes: ["admin"] }), body),
        "permission_denied",
      );
      await expectError(call(endpoint, account("x", { type: "robot", scopes: ["admin"] }), body), "permission_denied");
    }
    for (const caller of [administrator, shopAdministrator, shopService]) {
      await call("Accounts.List", caller, inNamespace("shop"));
    }
  });

  it("lets accounts of the namespace read its rules and decisions", async () => {
    const explain = { resource: { type: "service", name: "a", endpoint: "B.C" }, ...inNamespace("shop") };
    for (const [endpoint, body] of [
      ["Rules.List", inNamespace("shop")],
      ["Auth.Explain", explain],
    ] as const) {
      await call(endpoint, shopUser, body);
      await call(endpoint, administrator, body);
      await expectError(call(endpoint, nobody, body), "unauthenticated");
      await expectError(call(endpoint, microUser, body), "permission_denied");
    }
  });
});

describe("Auth.Generate", () => {
  it("makes an account with a secret that logs in, and shows it this once", async () => {
    const made = await call("Auth.Generate", administrator, { id: "gen", scopes: ["dev"], metadata: { a: "b" } });
    const { secret, metadata, ...rest } = made["account"] as Record<string, unknown>;
    expect(rest).toMatchObject({ id: "gen", name: "gen", type: "user", issuer: "micro", scopes: ["dev"] });
    expect(metadata).toMatchObject({ a: "b", created: expect.stringMatching(/^\d+$/) });
    const { token } = (await call("Auth.Token", nobody, { id: "gen", secret })) as { token: Record<string, string> };
    const inspected = await call("Auth.Inspect", nobody, { token: token["access_token"] });
    expect(inspected["account"]).toMatchObject({ id: "gen", issuer: "micro" });
    expect(JSON.stringify(inspected)).not.toContain(String(secret));
    const listed = JSON.stringify(await call("Accounts.List", administrator));
    expect(listed).toContain("gen");
    expect(listed).not.toContain(String(secret));
    expect(listed).not.toContain("argon2");
  });

  it("says what is wrong", async () => {
    const missing = await expectError(call("Auth.Generate", administrator, {}), "invalid_argument");
    expect(missing.detail).toBe("ID required");
    await call("Auth.Generate", administrator, { id: "twice", secret: "x" });
    const taken = await expectError(call("Auth.Generate", administrator, { id: "twice" }), "invalid_argument");
    expect(taken.detail).toBe("Account with this ID already exists");
    await expectError(call("Auth.Generate", administrator, { id: "a/b" }), "invalid_argument");
  });

  it("acts in the namespace of the call when the request names none", async () => {
    const made = await call("Auth.Generate", shopAdministrator, { id: "here" });
    expect(made["account"]).toMatchObject({ issuer: "shop" });
  });
});

describe("Auth.Token", () => {
  it("needs credentials", async () => {
    for (const body of [{}, { id: "x" }, { secret: "x" }]) {
      const error = await expectError(call("Auth.Token", nobody, body), "invalid_argument");
      expect(error.detail).toBe("Credentials or a refresh token required");
    }
    const bad = await expectError(call("Auth.Token", nobody, { refresh_token: "x" }), "invalid_argument");
    expect(bad.detail).toBe("invalid token provided");
    await expectError(call("Auth.Token", nobody, { id: "a", secret: "b", token_expiry: -1 }), "invalid_argument");
  });

  it("rotates refresh tokens, and Auth.Revoke ends them", async () => {
    await call("Auth.Generate", administrator, { id: "rotate", secret: "secret" });
    const first = (await call("Auth.Token", nobody, { id: "rotate", secret: "secret", token_expiry: 60 }))["token"] as {
      refresh_token: string;
      created: string;
      expiry: string;
    };
    expect(Number(first.expiry) - Number(first.created)).toBe(60);
    const second = (await call("Auth.Token", nobody, { refresh_token: first.refresh_token }))["token"] as typeof first;
    expect(second.refresh_token).not.toBe(first.refresh_token);
    await call("Auth.Revoke", nobody, { refresh_token: second.refresh_token });
    await call("Auth.Revoke", nobody, { refresh_token: second.refresh_token });
    await expectError(call("Auth.Token", nobody, { refresh_token: second.refresh_token }), "invalid_argument");
  });
});

describe("Auth.Inspect", () => {
  it("refuses what is no access token", async () => {
    const error = await expectError(call("Auth.Inspect", nobody, { token: "a.b.c" }), "invalid_argument");
    expect(error.detail).toBe("invalid token provided");
  });
});

describe("Accounts.Delete", () => {
  it("removes an account, but not the caller's own", async () => {
    await call("Auth.Generate", administrator, { id: "victim" });
    await call("Accounts.Delete", administrator, { id: "victim" });
    await expectError(call("Accounts.Delete", administrator, { id: "victim" }), "not_found");
    const own = await expectError(call("Accounts.Delete", administrator, { id: "admin" }), "invalid_argument");
    expect(own.detail).toBe("Can't delete your own account");
    const named = account("id-9", { namespace: "micro", name: "chief", scopes: ["admin"] });
    await expectError(call("Accounts.Delete", named, { id: "chief" }), "invalid_argument");
  });
});

describe("Accounts.ChangeSecret", () => {
  it("needs the old secret, except from an administrator of the installation", async () => {
    await call("Auth.Generate", administrator, { id: "jane", secret: "one", ...inNamespace("shop") });
    const change = (caller: Account | undefined, old_secret: string, new_secret: string) =>
      call("Accounts.ChangeSecret", caller, { id: "jane", old_secret, new_secret, ...inNamespace("shop") });
    await expectError(change(nobody, "one", "two"), "unauthenticated");
    await expectError(change(microUser, "one", "two"), "permission_denied");
    const missing = await expectError(change(shopUser, "one", ""), "invalid_argument");
    expect(missing.detail).toBe("New secret required");
    const wrong = await expectError(change(shopUser, "wrong", "two"), "invalid_argument");
    expect(wrong.detail).toStartWith("Secret not correct");
    await expectError(change(shopService, "", "two"), "invalid_argument");
    await change(shopUser, "one", "two");
    await change(administrator, "", "three");
    const { token } = await call("Auth.Token", nobody, { id: "jane", secret: "three", ...inNamespace("shop") });
    expect(token).toBeDefined();
  });
});

describe("the rules", () => {
  const all = { type: "*", name: "*", endpoint: "*" };

  it("are made, listed, explained and deleted", async () => {
    const here = inNamespace("ruled");
    const rule = { id: "staff", scope: "staff", access: 2, priority: 5, resource: { ...all, name: "vault" } };
    await call("Rules.Create", administrator, { rule, ...here });
    const taken = await expectError(call("Rules.Create", administrator, { rule, ...here }), "invalid_argument");
    expect(taken.detail).toBe("A rule with this ID already exists");
    const { rules } = (await call("Rules.List", administrator, here)) as { rules: Record<string, unknown>[] };
    expect(rules.map(({ id }) => id)).toEqual(["default", "staff"]);
    expect(rules[1]).toMatchObject({ scope: "staff", priority: 5, resource: { name: "vault" } });

    await call("Auth.Generate", administrator, { id: "sam", scopes: ["staff"], ...here });
    const resource = { type: "service", name: "vault", endpoint: "Vault.Open" };
    const denied = await call("Auth.Explain", administrator, { account_id: "sam", resource, ...here });
    expect(denied).toMatchObject({ rule: { id: "staff" }, reason: expect.stringContaining("rule staff denies it") });
    expect(denied["granted"] ?? false).toBe(false);
    const anonymous = await call("Auth.Explain", administrator, { resource, ...here });
    expect(anonymous).toMatchObject({ granted: true, rule: { id: "default" } });
    await expectError(call("Auth.Explain", administrator, { account_id: "none", resource, ...here }), "not_found");

    await call("Rules.Delete", administrator, { id: "staff", ...here });
    await call("Rules.Delete", administrator, { id: "staff", ...here });
    expect(await call("Auth.Explain", administrator, { account_id: "sam", resource, ...here })).toMatchObject({
      granted: true,
    });
  });

  it("say which part is missing", async () => {
    const create = async (body: unknown): Promise<string> =>
      (await expectError(call("Rules.Create", administrator, body), "invalid_argument")).detail;
    expect(await create({})).toBe("Rule missing");
    expect(await create({ rule: { access: 1, resource: all } })).toBe("ID missing");
    expect(await create({ rule: { id: "a", access: 1 } })).toBe("Resource missing");
    expect(await create({ rule: { id: "a", resource: all } })).toBe("Access missing");
    expect(await create({ rule: { id: "a", access: 1, resource: { type: "*" } } })).toStartWith("Resource missing");
  });

  it("are pushed to those who watch", async () => {
    const controller = new AbortController();
    const request = new TextEncoder().encode(JSON.stringify(inNamespace("watched")));
    const watched = async function* () {
      yield request;
    };
    const messages = method("Rules.Watch").stream(
      watched(),
      createCall("Rules.Watch", administrator, controller.signal),
    );
    const reader = messages[Symbol.asyncIterator]();
    const next = async (): Promise<string[]> => {
      const { value } = (await reader.next()) as { value: Uint8Array };
      const set = JSON.parse(new TextDecoder().decode(value)) as { rules?: { id: string }[] };
      return (set.rules ?? []).map(({ id }) => id);
    };
    expect(await next()).toEqual(["default"]);
    const rule = { id: "new", access: 1, resource: all };
    await call("Rules.Create", administrator, { rule, ...inNamespace("elsewhere") });
    await call("Rules.Create", administrator, { rule, ...inNamespace("watched") });
    expect(await next()).toEqual(["default", "new"]);
    await call("Rules.Delete", administrator, { id: "new", ...inNamespace("watched") });
    await call("Rules.Delete", administrator, { id: "default", ...inNamespace("watched") });
    expect(await next()).toEqual([]);
    controller.abort();
    expect((await reader.next()).done).toBe(true);
    await expectError(watchFirst("*", shopAdministrator), "permission_denied");
  });

  async function watchFirst(namespace: string, caller: Account): Promise<void> {
    const body = new TextEncoder().encode(JSON.stringify(inNamespace(namespace)));
    const requests = async function* () {
      yield body;
    };
    for await (const _ of method("Rules.Watch").stream(requests(), createCall("Rules.Watch", caller))) return;
  }
});
