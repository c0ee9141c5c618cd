import { beforeAll, describe, expect, it } from "bun:test";
import { SignJWT, decodeJwt, decodeProtectedHeader } from "jose";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { createSigningKeys } from "#core/auth/signing-keys.ts";
import { namespace, openForGroup, testKeys } from "./open-auth.ts";

const hourMs = 3_600_000;

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
    const sign = (change: Record<string, unknown>, by = testKeys, typ = "JWT", alg = "RS256") =>
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
        .sign(Buffer.from(testKeys.publicKeyText, "base64")),
      "other RSA algorithm": await sign({}, testKeys, "JWT", "RS512"),
      "other key": await sign({}, await createSigningKeys()),
      expired: await sign({ exp: nowS - 1 }),
      "no expiry": await sign({ exp: undefined }),
      "no issuer": await sign({ iss: undefined }),
      "no jti": await sign({ jti: undefined }),
      "launch credential by type": await sign({}, testKeys, "launch+jwt"),
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
    const pair = await desk.withSecret({
      namespace: "micro2",
      id: "admin",
      secret: "secret",
      address: "",
      lifetimeMs: 0,
    });
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
