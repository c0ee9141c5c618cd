import { describe, expect, it } from "bun:test";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { decodeJwt } from "jose";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { openSigningKeys } from "#core/auth/signing-keys.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { namespace, openAuth, openForGroup } from "./open-auth.ts";

describe("openSigningKeys()", () => {
  it("makes a key pair in the files' format and finds it again", async () => {
    await using temp = await createTempFolder();
    const files = { privateKeyFile: `${temp.path}/id_rsa`, publicKeyFile: `${temp.path}/id_rsa.pub` };
    const made = await openSigningKeys(files);
    const pem = Buffer.from(await readFile(files.privateKeyFile, "utf8"), "base64").toString();
    expect(pem).toStartWith("-----BEGIN RSA PRIVATE KEY-----");
    const publicText = await readFile(files.publicKeyFile, "utf8");
    expect(Buffer.from(publicText, "base64").toString()).toStartWith("-----BEGIN PUBLIC KEY-----");
    expect(publicText).toBe(made.publicKeyText);
    expect((await stat(files.privateKeyFile)).mode & 0o777).toBe(0o600);
    await rm(files.publicKeyFile);
    const again = await openSigningKeys(files);
    expect(again.publicKeyText).toBe(made.publicKeyText);
    expect(createPublicKey(again.privateKey).equals(made.publicKey)).toBe(true);
    expect(await readFile(files.publicKeyFile, "utf8")).toBe(made.publicKeyText);
  });

  it("reads a longer key that is there already", async () => {
    await using temp = await createTempFolder();
    const files = { privateKeyFile: `${temp.path}/id_rsa`, publicKeyFile: `${temp.path}/id_rsa.pub` };
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3_072 });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" });
    await writeFile(files.privateKeyFile, Buffer.from(pem).toString("base64"), { mode: 0o644 });
    const opened = await openSigningKeys(files);
    expect(opened.privateKey.equals(createPrivateKey(pem))).toBe(true);
    expect((await stat(files.privateKeyFile)).mode & 0o777).toBe(0o600);
  });

  it("refuses a file that is no key and leaves it alone", async () => {
    await using temp = await createTempFolder();
    const files = { privateKeyFile: `${temp.path}/id_rsa`, publicKeyFile: `${temp.path}/id_rsa.pub` };
    await writeFile(files.privateKeyFile, "nonsense");
    await expectError(openSigningKeys(files), "failed_precondition");
    expect(await readFile(files.privateKeyFile, "utf8")).toBe("nonsense");
  });
});

describe("Auth.ensureAdministrator()", () => {
  it("makes one administrator, whose secret logs in, also after a restart", async () => {
    await using temp = await createTempFolder();
    const first = await openAuth(temp.path);
    const made = await first.auth.ensureAdministrator();
    expect(made?.id).toBe("admin");
    expect(made?.secret).toMatch(/^([a-z0-9]{4}-){6}[a-z0-9]{4}$/);
    expect(await first.auth.ensureAdministrator()).toBeUndefined();
    const before = await first.login("admin", made?.secret ?? "");
    await first.close();

    const second = await openAuth(temp.path);
    expect(await second.auth.ensureAdministrator()).toBeUndefined();
    const account = await second.auth.verifier.verify(before.accessToken);
    expect(account).toMatchObject({ id: "admin", type: "user", namespace: "micro", scopes: ["admin"] });
    await second.login("admin", made?.secret ?? "");
    await second.renew(before.refreshToken);
    expect(await readFile(`${temp.path}/store.db`, "latin1")).not.toContain(made?.secret ?? "");
    await second.close();
  });

  it("takes another id when an account that is no user has the first ones", async () => {
    await using temp = await createTempFolder();
    const { accounts, auth, close, login } = await openAuth(temp.path);
    await accounts.create({ namespace, id: "admin", type: "service", scopes: ["service"] });
    expect(await auth.findAdministrator()).toBeUndefined();
    const made = await auth.ensureAdministrator();
    expect(made?.id).toBe("administrator");
    expect(await auth.findAdministrator()).toBe("administrator");
    await login("administrator", made?.secret ?? "");
    await accounts.delete(namespace, "administrator");
    await accounts.create({ namespace, id: "worker", name: "administrator", type: "service" });
    expect((await auth.ensureAdministrator())?.id).toBe("administrator-2");
    expect(await auth.findAdministrator()).toBe("administrator-2");
    await close();
  });
});

describe("accounts", () => {
  const opened = openForGroup();

  it("have unique ids and names in their namespace", async () => {
    const { accounts } = opened();
    await accounts.create({ namespace, id: "jane", name: "boss" });
    const taken = (account: { id: string; name?: string }) =>
      expectError(accounts.create({ namespace, ...account }), "invalid_argument");
    expect((await taken({ id: "jane" })).detail).toBe("Account with this ID already exists");
    expect((await taken({ id: "other", name: "boss" })).detail).toBe("Account with this Name already exists");
    await taken({ id: "boss" });
    await taken({ id: "other", name: "jane" });
    await accounts.create({ namespace: "shop", id: "jane", name: "boss" });
    expect((await accounts.find(namespace, "boss"))?.id).toBe("jane");
  });

  it("are made once by many at the same time", async () => {
    const { accounts } = opened();
    const attempts = Array.from({ length: 10 }, () => accounts.create({ namespace, id: "raced" }));
    const results = await Promise.allSettled(attempts);
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
  });

  it("refuse ids, namespaces, types and metadata that could be misread", async () => {
    const { accounts } = opened();
    for (const id of ["", "a/b", "..", "a b", "x".repeat(limits.nameLengthMax + 1)]) {
      await expectError(accounts.create({ namespace, id }), "invalid_argument");
    }
    await expectError(accounts.create({ namespace: "a/b", id: "x" }), "invalid_argument");
    await expectError(accounts.create({ namespace, id: "x", type: "a\nb" }), "invalid_argument");
    await expectError(accounts.create({ namespace, id: "x", metadata: { instance: "y" } }), "invalid_argument");
    const big = { text: "x".repeat(limits.accountClaimsBytesMax) };
    await expectError(accounts.create({ namespace, id: "x", metadata: big }), "invalid_argument");
    expect(await accounts.find(namespace, "a/b")).toBeUndefined();
  });

  it("list those of one namespace alone", async () => {
    const { accounts } = opened();
    await accounts.create({ namespace: "list", id: "b" });
    await accounts.create({ namespace: "list", id: "a" });
    await accounts.create({ namespace: "list2", id: "c" });
    expect((await accounts.list("list")).map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("end with their tokens when they are deleted", async () => {
    const { accounts, auth, login, renew } = opened();
    await accounts.create({ namespace, id: "leaver", secret: "leaver-secret" });
    const { accessToken, refreshToken } = await login("leaver", "leaver-secret");
    expect(await auth.verifier.verify(accessToken)).toBeDefined();
    expect(await accounts.delete(namespace, "leaver")).toBe(true);
    expect(await accounts.delete(namespace, "leaver")).toBe(false);
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
    await expectError(renew(refreshToken), "invalid_argument");
    await expectError(login("leaver", "leaver-secret"), "invalid_argument");

    await accounts.create({ namespace, id: "leaver", secret: "another-secret" });
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
    await expectError(renew(refreshToken), "invalid_argument");
    const fresh = await login("leaver", "another-secret");
    expect(await auth.verifier.verify(fresh.accessToken)).toBeDefined();
  });

  it("end also when they never logged in, or when nothing of their logins is left", async () => {
    const { accounts, refresh, login } = opened();
    await accounts.create({ namespace, id: "stranger" });
    expect(await accounts.delete(namespace, "stranger")).toBe(true);
    await accounts.create({ namespace, id: "guest", secret: "guest-secret" });
    await refresh.revoke(namespace, (await login("guest", "guest-secret")).refreshToken);
    expect(await accounts.delete(namespace, "guest")).toBe(true);
  });

  it("lose their tokens and logins when they are revoked, and keep their secret, also over a restart", async () => {
    await using temp = await createTempFolder();
    const first = await openAuth(temp.path);
    await first.accounts.create({ namespace, id: "ann", secret: "a-secret-of-anns" });
    const pair = await first.login("ann", "a-secret-of-anns");
    const account = await first.auth.verifier.verify(pair.accessToken);
    expect(account?.id).toBe("ann");
    expect(await first.accounts.revoke(namespace, "ann")).toBe(true);
    expect(await first.accounts.revoke(namespace, "nobody")).toBe(false);
    expect(account !== undefined && first.auth.rules.hasEnded(account)).toBe(true);
    expect(await first.auth.verifier.verify(pair.accessToken)).toBeUndefined();
    await expectError(first.renew(pair.refreshToken), "invalid_argument");
    await first.close();
    const second = await openAuth(temp.path);
    expect(await second.auth.verifier.verify(pair.accessToken)).toBeUndefined();
    await expectError(second.renew(pair.refreshToken), "invalid_argument");
    const { accessToken } = await second.login("ann", "a-secret-of-anns");
    expect(await second.auth.verifier.verify(accessToken)).toMatchObject({ id: "ann" });
    await second.close();
  });

  it("end their logins when the secret changes, also over a restart", async () => {
    await using temp = await createTempFolder();
    const first = await openAuth(temp.path);
    await first.accounts.create({ namespace, id: "jane", secret: "before" });
    const { accessToken, refreshToken } = await first.login("jane", "before");
    await first.accounts.changeSecret(namespace, "jane", "after");
    await first.close();
    const second = await openAuth(temp.path);
    expect(await second.auth.verifier.verify(accessToken)).toBeUndefined();
    await expectError(second.renew(refreshToken), "invalid_argument");
    await expectError(second.login("jane", "before"), "invalid_argument");
    const { accessToken: fresh } = await second.login("jane", "after");
    expect(await second.auth.verifier.verify(fresh)).toMatchObject({ id: "jane" });
    await second.close();
  });
});

describe("logins", () => {
  const opened = openForGroup();

  it("by a name work as those by the id", async () => {
    const { accounts, login } = opened();
    await accounts.create({ namespace, id: "id-1", name: "jane", secret: "secret" });
    expect(decodeJwt((await login("jane", "secret")).accessToken).sub).toBe("id-1");
  });

  it("fail alike for a wrong secret, an unknown account and one without a secret", async () => {
    const { accounts, login } = opened();
    await accounts.create({ namespace, id: "known", secret: "secret" });
    await accounts.create({ namespace, id: "silent" });
    const errors = await Promise.all(
      [login("known", "wrong"), login("unknown", "wrong"), login("silent", ""), login("a/b", "x")].map((attempt) =>
        expectError(attempt, "invalid_argument"),
      ),
    );
    expect(new Set(errors.map(({ detail }) => detail)).size).toBe(1);
  });

  it("have to wait after too many wrong secrets, also with the right one, also when sent at once", async () => {
    const { accounts, clock, login } = opened();
    await accounts.create({ namespace, id: "target", name: "alias", secret: "secret" });
    const guesses = Array.from({ length: 20 }, (_, index) =>
      login(index % 2 === 0 ? "target" : "alias", "guess").catch(
        (reason: unknown) => (reason as { code: string }).code,
      ),
    );
    const codes = await Promise.all(guesses);
    // Those that are hashed at the same time may pass the limit together.
    const judged = codes.filter((code) => code === "invalid_argument").length;
    expect(judged).toBeLessThanOrEqual(limits.loginFailureCountMax + limits.hashConcurrencyMax - 1);
    await expectError(login("target", "secret"), "too_many_requests");
    clock.nowMs += limits.loginWaitMaxMs;
    await login("target", "secret");
  });

  it("do not wait for what was guessed at another address, nor do those that stand", async () => {
    const { accounts, login, renew } = opened();
    await accounts.create({ namespace, id: "owner", secret: "secret" });
    const { refreshToken } = await login("owner", "secret");
    for (let guess = 0; guess < limits.loginFailureCountMax; guess += 1) {
      await expectError(login("owner", "guess", 0, "10.9.9.9"), "invalid_argument");
    }
    await expectError(login("owner", "secret", 0, "10.9.9.9"), "too_many_requests");
    await login("owner", "secret");
    await renew(refreshToken);
  });

  it("of the server itself need no secret, and an account", async () => {
    const { accounts, auth } = opened();
    await accounts.create({ namespace, id: "local" });
    const { accessToken } = await auth.issueLocalToken("local");
    expect(await auth.verifier.verify(accessToken)).toMatchObject({ id: "local" });
    await expectError(auth.issueLocalToken("nobody"), "not_found");
  });
});
