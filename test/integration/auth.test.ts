import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { SignJWT, decodeJwt, decodeProtectedHeader } from "jose";
import { limits } from "#base/limits.ts";
import { createLogger } from "#base/logger.ts";
import { expectError } from "#conformance/expect-error.ts";
import { createAuth } from "#core/auth/auth.ts";
import { createSigningKeys, openSigningKeys, type SigningKeys } from "#core/auth/signing-keys.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { Rule } from "#interface/auth.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

const namespace = "micro";
const hourMs = 3_600_000;

let keys: SigningKeys;
let otherKeys: SigningKeys;

beforeAll(async () => {
  [keys, otherKeys] = await Promise.all([createSigningKeys(), createSigningKeys()]);
});

/** Auth over a store on disk, with a clock that the test moves. */
async function openAuth(folder: string) {
  const clock = { nowMs: Date.now(), now: () => clock.nowMs };
  const lines: string[] = [];
  const store = await SqliteStore.open({ folder, clock });
  const auth = await createAuth({ store, keys, clock, logger: createLogger({ write: (line) => lines.push(line) }) });
  const { accounts, desk, refresh, ruleBook } = auth.parts;
  return {
    auth,
    clock,
    lines,
    accounts,
    desk,
    refresh,
    ruleBook,
    login: (id: string, secret: string, lifetimeMs = 0) => desk.withSecret({ namespace, id, secret, lifetimeMs }),
    renew: (token: string, inNamespace = namespace) =>
      desk.withRefreshToken({ namespace: inNamespace, token, lifetimeMs: 0 }),
    close: async () => {
      await auth.stop();
      await store.close();
    },
  };
}

type Opened = Awaited<ReturnType<typeof openAuth>>;

/** One auth for the tests of a group; each test uses accounts of its own. */
function openForGroup(): () => Opened {
  let folder: TempFolder;
  let opened: Opened;
  beforeAll(async () => {
    folder = await createTempFolder();
    opened = await openAuth(folder.path);
  });
  afterAll(async () => {
    await opened.close();
    await folder[Symbol.asyncDispose]();
  });
  return () => opened;
}

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

describe("access tokens", () => {
  const opened = openForGroup();
  beforeAll(async () => {
    const { accounts } = opened();
    await accounts.create({ namespace, id: "jane", secret: "secret", scopes: ["dev"], metadata: { team: "blue" } });
    await accounts.create({ namespace, id: "worker", secret: "secret", type: "service" });
  });

  it("carry the claims that clients read", async () => {
    const { clock, login } = opened();
    const pair = await login("jane", "secret");
    const { header, payload } = {
      header: decodeProtectedHeader(pair.accessToken),
      payload: decodeJwt(pair.accessToken),
    };
    expect(header).toEqual({ alg: "RS256", typ: "JWT" });
    const keysOfPayload = ["exp", "iat", "iss", "jti", "metadata", "name", "scopes", "sub", "type"];
    expect(Object.keys(payload).sort()).toEqual(keysOfPayload);
    expect(payload).toMatchObject({ sub: "jane", iss: "micro", name: "jane", type: "user", scopes: ["dev"] });
    expect(payload["metadata"]).toEqual({ team: "blue", created: String(Math.floor(clock.nowMs / 1_000)) });
    expect(pair.created).toBe(Math.floor(clock.nowMs / 1_000));
    expect(pair.expiry - pair.created).toBe(limits.accessTokenMs / 1_000);
    expect(payload.exp).toBe(pair.expiry);
  });

  it("live as long as was asked for, within bounds", async () => {
    const { login } = opened();
    const lifeMs = async (id: string, askedMs: number): Promise<number> => {
      const { created, expiry } = await login(id, "secret", askedMs);
      return (expiry - created) * 1_000;
    };
    expect(await lifeMs("jane", hourMs)).toBe(hourMs);
    expect(await lifeMs("jane", 1_000 * hourMs)).toBe(limits.accessTokenMaxMs);
    expect(await lifeMs("worker", 0)).toBe(limits.serviceTokenMs);
    expect(await lifeMs("worker", hourMs)).toBe(limits.serviceTokenMs);
  });

  it("hold until they expire, from the cache too", async () => {
    const { auth, clock, login } = opened();
    const { accessToken } = await login("jane", "secret");
    const first = await auth.verifier.verify(accessToken);
    const second = auth.verifier.verify(accessToken);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toBe(first);
    clock.nowMs += limits.accessTokenMs + 1_000;
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
  });

  it("are refused when anything about them is wrong", async () => {
    const { auth, clock, lines, login } = opened();
    const { accessToken } = await login("jane", "secret");
    const payload = decodeJwt(accessToken);
    const [head = "", body = "", signature = ""] = accessToken.split(".");
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const sign = (change: Record<string, unknown>, by = keys, typ = "JWT", alg = "RS256") =>
      new SignJWT({ ...payload, ...change }).setProtectedHeader({ alg, typ }).sign(by.privateKey);
    const nowS = Math.floor(clock.nowMs / 1_000);
    const bad: Record<string, string> = {
      empty: "",
      "not a token": "abc",
      "two parts": `${head}.${body}`,
      "no signature": `${head}.${body}.`,
      "algorithm none": `${encode({ alg: "none", typ: "JWT" })}.${body}.`,
      "algorithm none, signed": `${encode({ alg: "none", typ: "JWT" })}.${body}.${signature}`,
      "other account": `${head}.${encode({ ...payload, sub: "admin" })}.${signature}`,
      "other signature": `${head}.${body}.${signature.slice(0, -8)}AAAAAAAA`,
      "public key as HMAC secret": await new SignJWT(payload)
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .sign(Buffer.from(keys.publicKeyText, "base64")),
      "other RSA algorithm": await sign({}, keys, "JWT", "RS512"),
      "other key": await sign({}, otherKeys),
      expired: await sign({ exp: nowS - 1 }),
      "no expiry": await sign({ exp: undefined }),
      "no issuer": await sign({ iss: undefined }),
      "no jti": await sign({ jti: undefined }),
      "launch credential by type": await sign({}, keys, "launch+jwt"),
      "launch credential by claim": await sign({ use: "launch" }),
      "too long": await sign({ metadata: { text: "x".repeat(limits.headerBytesMax) } }),
    };
    for (const [what, token] of Object.entries(bad)) {
      expect({ what, account: await auth.verifier.verify(token) }).toEqual({ what, account: undefined });
    }
    expect(await auth.verifier.verify(await sign({}))).toMatchObject({ id: "jane" });
    expect(lines.filter((line) => line.includes("token refused")).length).toBeGreaterThan(10);
    expect(lines.filter((line) => line.includes(signature.slice(0, 20)))).toEqual([]);
  });

  it("are no refresh tokens and no secrets", async () => {
    const { login, renew } = opened();
    const { accessToken, refreshToken } = await login("jane", "secret");
    await expectError(renew(accessToken), "invalid_argument");
    await expectError(login("jane", accessToken), "invalid_argument");
    await expectError(login("jane", refreshToken), "invalid_argument");
    await expectError(login("worker", accessToken), "invalid_argument");
  });
});

describe("refresh tokens", () => {
  const opened = openForGroup();
  beforeAll(async () => {
    await opened().accounts.create({ namespace, id: "jane", secret: "secret" });
  });
  const start = async (): Promise<string> => (await opened().login("jane", "secret")).refreshToken;

  it("rotate at each use", async () => {
    const { auth, renew } = opened();
    const first = await start();
    const second = await renew(first);
    expect(second.refreshToken).not.toBe(first);
    expect(await auth.verifier.verify(second.accessToken)).toMatchObject({ id: "jane" });
    const third = await renew(second.refreshToken);
    expect(third.refreshToken).not.toBe(second.refreshToken);
  });

  it("serve two commands at once and lead both to the same successor", async () => {
    const { renew } = opened();
    const first = await start();
    const both = await Promise.all([renew(first), renew(first), renew(first)]);
    expect(new Set(both.map((pair) => pair.refreshToken)).size).toBe(1);
    const next = await renew(both[0].refreshToken);
    expect((await renew(first)).refreshToken).toBe(next.refreshToken);
  });

  it("end the whole login when one is used again after the grace time", async () => {
    const { clock, lines, renew } = opened();
    const stolen = await start();
    const second = await renew(stolen);
    const third = await renew(second.refreshToken);
    clock.nowMs += limits.refreshGraceMs;
    const error = await expectError(renew(stolen), "invalid_argument");
    expect(error.detail).toBe("invalid token provided");
    await expectError(renew(third.refreshToken), "invalid_argument");
    expect(lines.some((line) => line.includes("used twice") && line.includes("account=jane"))).toBe(true);
  });

  it("do not end other logins of the account", async () => {
    const { clock, renew } = opened();
    const [one, other] = [await start(), await start()];
    await renew(one);
    clock.nowMs += limits.refreshGraceMs;
    await expectError(renew(one), "invalid_argument");
    await renew(other);
  });

  it("die when nobody uses them, and live on when somebody does", async () => {
    const { clock, renew } = opened();
    const [used, unused] = [await start(), await start()];
    clock.nowMs += limits.refreshTokenMs - 1_000;
    const { refreshToken } = await renew(used);
    clock.nowMs += 2_000;
    await expectError(renew(unused), "invalid_argument");
    await renew(refreshToken);
  });

  it("are known in their own namespace alone", async () => {
    const { accounts, desk, renew } = opened();
    await accounts.create({ namespace: "micro2", id: "admin", secret: "secret" });
    await accounts.create({ namespace, id: "admin", secret: "other" });
    const pair = await desk.withSecret({ namespace: "micro2", id: "admin", secret: "secret", lifetimeMs: 0 });
    await expectError(renew(pair.refreshToken), "invalid_argument");
    await expectError(renew(pair.refreshToken, "../micro2"), "invalid_argument");
    const renewed = await renew(pair.refreshToken, "micro2");
    expect(decodeJwt(renewed.accessToken)).toMatchObject({ iss: "micro2", sub: "admin" });
  });

  it("end when they are revoked", async () => {
    const { refresh, renew } = opened();
    const token = await start();
    await refresh.revoke(namespace, token);
    await refresh.revoke(namespace, token);
    await refresh.revoke(namespace, "nonsense");
    await expectError(renew(token), "invalid_argument");
  });

  it("are refused when they are made up", async () => {
    const { renew } = opened();
    const token = await start();
    for (const bad of ["", "abc", token.slice(0, -1), `${token}x`, token.replace("mrt.", "mrt.."), "a.b.c.d"]) {
      await expectError(renew(bad), "invalid_argument");
    }
    await renew(token);
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

  it("refuse a crowd instead of queueing it without end", async () => {
    const { accounts, login } = opened();
    await accounts.create({ namespace, id: "popular", secret: "secret" });
    const count = limits.hashQueueCountMax + 20;
    const attempts = Array.from({ length: count }, (_, index) => login(`nobody-${index}`, "x"));
    const results = await Promise.allSettled(attempts);
    const codes = results.map((each) => (each.status === "rejected" ? (each.reason as { code: string }).code : ""));
    expect(codes.filter((code) => code === "too_many_requests").length).toBeGreaterThan(0);
    await login("popular", "secret");
  }, 30_000);

  it("of the server itself need no secret, and an account", async () => {
    const { accounts, auth } = opened();
    await accounts.create({ namespace, id: "local" });
    const { accessToken } = await auth.issueLocalToken("local");
    expect(await auth.verifier.verify(accessToken)).toMatchObject({ id: "local" });
    await expectError(auth.issueLocalToken("nobody"), "not_found");
  });
});

describe("launch identities", () => {
  const opened = openForGroup();
  const launch = { namespace: "shop", service: "greeter", version: "latest" };
  const exchange = (id: string, secret: string, inNamespace = "shop") =>
    opened().desk.withSecret({ namespace: inNamespace, id, secret, lifetimeMs: hourMs });

  it("give every instance a credential that buys tokens in its name", async () => {
    const { auth, accounts } = opened();
    const one = await auth.identities.issue({ ...launch, instance: "one" });
    const two = await auth.identities.issue({ ...launch, instance: "two" });
    expect([one.id, two.id]).toEqual(["greeter-latest", "greeter-latest"]);
    expect(await accounts.list("shop")).toHaveLength(1);
    const pair = await exchange(one.id, one.secret);
    const account = await auth.verifier.verify(pair.accessToken);
    expect(account).toMatchObject({ id: "greeter-latest", type: "service", namespace: "shop", scopes: ["service"] });
    expect(account?.metadata["instance"]).toBe("one");
    expect((pair.expiry - pair.created) * 1_000).toBe(limits.serviceTokenMs);
    const renewed = await opened().renew(pair.refreshToken, "shop");
    expect((await auth.verifier.verify(renewed.accessToken))?.metadata["instance"]).toBe("one");
  });

  it("are no access tokens and hold for their own account alone", async () => {
    const { auth, accounts, renew } = opened();
    const { id, secret } = await auth.identities.issue({ ...launch, instance: "one" });
    await auth.identities.issue({ ...launch, namespace: "other", instance: "one" });
    await auth.identities.issue({ ...launch, service: "second", instance: "one" });
    await accounts.create({ namespace: "shop", id: "jane", secret: "secret" });
    expect(await auth.verifier.verify(secret)).toBeUndefined();
    await expectError(renew(secret, "shop"), "invalid_argument");
    await expectError(exchange(id, secret, "other"), "invalid_argument");
    await expectError(exchange("second-latest", secret), "invalid_argument");
    await expectError(exchange("jane", secret), "invalid_argument");
  });

  it("end with their service and do not come back with it", async () => {
    const { auth } = opened();
    const gone = { ...launch, service: "gone" };
    const { id, secret } = await auth.identities.issue({ ...gone, instance: "one" });
    const { accessToken, refreshToken } = await exchange(id, secret);
    await auth.identities.revoke(gone);
    await auth.identities.revoke(gone);
    await expectError(exchange(id, secret), "invalid_argument");
    expect(await auth.verifier.verify(accessToken)).toBeUndefined();
    const again = await auth.identities.issue({ ...gone, instance: "two" });
    await expectError(exchange(id, secret), "invalid_argument");
    await expectError(opened().renew(refreshToken, "shop"), "invalid_argument");
    await exchange(again.id, again.secret);
  });

  it("expire after a year", async () => {
    const { auth, clock } = opened();
    const { id, secret } = await auth.identities.issue({ ...launch, instance: "one" });
    clock.nowMs += limits.launchCredentialMs;
    await expectError(exchange(id, secret), "invalid_argument");
  });

  it("never share an account with another service or a person", async () => {
    const { auth, accounts } = opened();
    const first = await auth.identities.issue({ namespace: "mix", service: "a-b", version: "c", instance: "1" });
    const second = await auth.identities.issue({ namespace: "mix", service: "a", version: "b-c", instance: "1" });
    expect(second.id).not.toBe(first.id);
    await accounts.create({ namespace: "mix", id: "web-v1", secret: "secret" });
    const web = await auth.identities.issue({ namespace: "mix", service: "web", version: "v1", instance: "1" });
    expect(web.id).not.toBe("web-v1");
    await auth.identities.revoke({ namespace: "mix", service: "web", version: "v1" });
    expect(await accounts.find("mix", "web-v1")).toBeDefined();
    const path = await auth.identities.issue({ namespace: "mix", service: "web", version: "feature/x", instance: "1" });
    expect(path.id).toBe("web-feature-x");
  });

  it("are made once for instances that start together", async () => {
    const { auth } = opened();
    const crowd = { namespace: "crowd", service: "web", version: "v1" };
    const issued = await Promise.all(
      ["1", "2", "3", "4"].map((instance) => auth.identities.issue({ ...crowd, instance })),
    );
    expect(new Set(issued.map(({ id }) => id)).size).toBe(1);
    for (const { id, secret } of issued) await exchange(id, secret, "crowd");
  });
});

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
