import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { AuditEntry, AuditNote } from "#interface/audit.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { openAuth, openForGroup } from "./open-auth.ts";
import { Caller, createAccount, testSecret } from "./safety-world.ts";

const refusal: AuditNote = {
  namespace: "shop",
  action: "refused",
  subject: "store:Store.Read",
  address: "10.0.0.1",
  detail: "an account is required",
};
const newest = { namespace: "shop", countMax: 10, sinceMs: 0 };

describe("AuditLog", () => {
  const opened = openForGroup();

  it("counts what happens again within a minute, and begins anew after it", async () => {
    const { clock, auth } = opened();
    for (let count = 0; count < 500; count += 1) auth.audit.note(refusal);
    clock.nowMs += limits.auditNoteWindowMs + 1;
    auth.audit.note(refusal);
    const entries = await auth.parts.audit.read(newest);
    expect(entries.map(({ count }) => count)).toEqual([1, 500]);
    expect(entries[1]).toMatchObject({ ...refusal, lastMs: entries[1]?.firstMs });
  });

  it("keeps so many different refusals and counts the others, whatever names are made up", async () => {
    const { auth, store } = opened();
    for (let count = 0; count < 5_000; count += 1) {
      auth.audit.note({ ...refusal, namespace: `flood${count}`, subject: `${count}${"x".repeat(1_000)}` });
    }
    const { audit } = auth.parts;
    await audit.flush();
    const keys = await store.keys({ database: "micro", table: "auth-audit" });
    expect(keys.length).toBeLessThan(limits.auditNoteBurstCount + 10);
    const [lost] = (await audit.read({ ...newest, namespace: "micro" })).filter(({ action }) => action === "not kept");
    expect(lost?.count).toBeGreaterThan(4_000);
    const [kept] = await audit.read({ ...newest, namespace: "flood0" });
    expect(kept?.subject).toHaveLength(limits.auditTextLengthMax);
  });

  it("writes a change before it answers, and finds all after a restart", async () => {
    await using folder = await createTempFolder();
    const first = await openAuth(folder.path);
    await first.auth.audit.change({ ...refusal, action: "rule created", subject: "r" });
    first.auth.audit.note(refusal);
    await first.close();
    const second = await openAuth(folder.path);
    const actions = async (): Promise<string[]> =>
      (await second.auth.parts.audit.read(newest)).map(({ action }) => action).toSorted();
    expect(await actions()).toEqual(["refused", "rule created"]);
    await second.auth.audit.change({ ...refusal, action: "rule deleted", subject: "r" });
    expect(await actions()).toEqual(["refused", "rule created", "rule deleted"]);
    second.clock.nowMs += limits.auditAgeMs + 1;
    expect(await actions()).toEqual([]);
    await second.close();
  });

  it("holds so many changes, and the oldest go", async () => {
    const { auth } = opened();
    const rounds = 30;
    const writes = Array.from({ length: limits.auditChangeCountMax + rounds }, (_, index) =>
      auth.audit.change({ ...refusal, namespace: "full", action: "rule created", subject: `r${index}` }),
    );
    await Promise.all(writes);
    const entries = await auth.parts.audit.read({ namespace: "full", countMax: 1_000_000, sinceMs: 0 });
    expect(entries).toHaveLength(limits.auditChangeCountMax);
    expect(entries[0]?.subject).toBe(`r${limits.auditChangeCountMax + rounds - 1}`);
  }, 30_000);
});

describe("the audit log of a server", () => {
  let server: TestServer;
  let admin: Caller;

  beforeAll(async () => {
    server = await startServer();
    admin = new Caller(server, await server.token());
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function read(namespace: string, more: object = {}): Promise<readonly AuditEntry[]> {
    const answer = await admin.get("auth", "Audit.Read", { options: { namespace }, ...more });
    return (answer as { entries: AuditEntry[] }).entries;
  }

  it("says who changed accounts, secrets, rules and tokens, and never a secret", async () => {
    const options = { namespace: "ledger" };
    const { refresh } = await createAccount(server, { id: "ann", namespace: "ledger", scopes: ["admin"] });
    const rule = { id: "r", access: 1, resource: { type: "service", name: "a", endpoint: "*" }, scope: "*" };
    const newSecret = "another-secret-of-hers";
    await admin.get("auth", "Rules.Create", { rule, options });
    await admin.get("auth", "Rules.Delete", { id: "r", options });
    await admin.get("auth", "Rules.Delete", { id: "r", options });
    await admin.get("auth", "Accounts.ChangeSecret", { id: "ann", new_secret: newSecret, options });
    await new Caller(server).call("auth", "Auth.Token", { id: "ann", secret: "a-wrong-secret", options });
    await new Caller(server).call("auth", "Auth.Token", { id: "typed-a-secret-here", secret: "x", options });
    await admin.get("auth", "Accounts.Revoke", { id: "ann", options });
    await admin.get("auth", "Accounts.Delete", { id: "ann", options });
    const entries = await read("ledger");
    expect(entries.map(({ action, subject }) => `${action} ${subject}`).toSorted()).toEqual([
      "account created ann",
      "account deleted ann",
      "login ann",
      "login failed an unknown account",
      "login failed ann",
      "rule created r",
      "rule deleted r",
      "secret changed ann",
      "tokens revoked ann",
    ]);
    const change = entries.find(({ action }) => action === "secret changed");
    const expected: object = { account: "admin", detail: "by an administrator, without the old secret" };
    expect(change).toMatchObject(expected);
    expect(change?.address).toBe("127.0.0.1");
    const text = JSON.stringify(entries);
    for (const hidden of [testSecret, newSecret, "a-wrong-secret", "typed-a-secret-here", refresh]) {
      expect(text).not.toContain(hidden);
    }
  });

  it("says who was refused what at the edges and by the core services, and why", async () => {
    const { access } = await createAccount(server, { id: "bob", namespace: "ledger" });
    const bob = new Caller(server, access);
    expect((await bob.call("store", "Store.Read", { key: "a", options: { database: "ledger" } })).status).toBe(403);
    expect((await bob.call("auth", "Rules.List", {}, { "micro-namespace": "shop" })).status).toBe(403);
    const entries = (await read("ledger", { account: "bob" })).filter(({ action }) => action === "refused");
    const common = { account: "bob", account_namespace: "ledger", address: "127.0.0.1" };
    expect(entries as readonly unknown[]).toMatchObject([
      {
        ...common,
        subject: "auth:Rules.List",
        detail: "account bob of namespace ledger may not act in namespace shop",
      },
      {
        ...common,
        subject: "store:Store.Read",
        detail: "account bob is not an administrator of namespace ledger, and no rule grants it read of store micro",
      },
    ]);
  });

  it("is read by administrators of the namespace alone, and not through the store", async () => {
    const { access } = await createAccount(server, { id: "chief", namespace: "bank", scopes: ["admin"] });
    const chief = new Caller(server, access);
    expect((await chief.call("auth", "Audit.Read", { options: { namespace: "bank" } })).status).toBe(200);
    expect((await chief.call("auth", "Audit.Read", { options: { namespace: "ledger" } })).status).toBe(403);
    const scope = { database: "micro", table: "auth-audit" };
    expect((await admin.call("store", "Store.Read", { options: { ...scope, prefix: true } })).status).toBe(403);
  });
});
