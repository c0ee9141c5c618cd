import { describe, expect, it } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT, type JWTPayload } from "jose";
import { createAccountVerifier } from "./account-verifier.ts";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const others = generateKeyPairSync("rsa", { modulusLength: 2048 });

function toText(key: KeyObject): string {
  return Buffer.from(key.export({ type: "spki", format: "pem" })).toString("base64");
}

const claims = { type: "user", scopes: ["admin"], metadata: { team: "a" }, name: "Jane" };

function sign(
  payload: JWTPayload,
  options: { key?: KeyObject; expires?: string | number; typ?: string } = {},
): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: "RS256", typ: options.typ ?? "JWT" })
    .setSubject("jane")
    .setIssuer("shop")
    .setExpirationTime(options.expires ?? "1h")
    .sign(options.key ?? keys.privateKey);
}

describe("createAccountVerifier()", () => {
  it("gives the account that a token names", async () => {
    const verifier = createAccountVerifier(() => toText(keys.publicKey));
    expect(await verifier.verify(await sign(claims))).toEqual({
      id: "jane",
      type: "user",
      namespace: "shop",
      name: "Jane",
      scopes: ["admin"],
      metadata: { team: "a" },
    });
  });

  it("takes the null that Micro writes for no scopes and no metadata", async () => {
    const verifier = createAccountVerifier(() => toText(keys.publicKey));
    const account = await verifier.verify(await sign({ type: "service", scopes: null, metadata: null }));
    expect(account).toMatchObject({ name: "jane", scopes: [], metadata: {} });
  });

  it("answers at once for a token that it has seen", async () => {
    const verifier = createAccountVerifier(() => toText(keys.publicKey));
    const token = await sign(claims);
    await verifier.verify(token);
    expect(verifier.verify(token)).toMatchObject({ id: "jane" });
  });

  it("knows nobody by a token that is expired, tampered with, unsigned or of another installation", async () => {
    const verifier = createAccountVerifier(() => toText(keys.publicKey));
    const good = await sign(claims);
    const [header = "", , signature = ""] = good.split(".");
    const body = Buffer.from(JSON.stringify({ sub: "root", iss: "shop", type: "user", exp: 9_999_999_999 })).toString(
      "base64url",
    );
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const bad = [
      await sign(claims, { expires: Math.floor(Date.now() / 1_000) - 60 }),
      await sign(claims, { key: others.privateKey }),
      `${header}.${body}.${signature}`,
      `${none}.${body}.`,
      "a.b.c",
      "",
      "x".repeat(100_000),
    ];
    for (const token of bad) expect(await verifier.verify(token)).toBeUndefined();
  });

  it("knows nobody by a launch credential, which only buys access tokens", async () => {
    const verifier = createAccountVerifier(() => toText(keys.publicKey));
    expect(await verifier.verify(await sign({ ...claims, use: "launch" }, { typ: "launch+jwt" }))).toBeUndefined();
    expect(await verifier.verify(await sign(claims, { typ: "launch+jwt" }))).toBeUndefined();
    expect(await verifier.verify(await sign({ ...claims, use: "launch" }))).toBeUndefined();
  });

  it("does not take the public key for a shared secret", async () => {
    const text = toText(keys.publicKey);
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("root")
      .setIssuer("micro")
      .setExpirationTime("1h")
      .sign(Buffer.from(text, "base64"));
    expect(await createAccountVerifier(() => text).verify(forged)).toBeUndefined();
  });

  it("knows nobody while there is no key", async () => {
    const server: { key?: string } = {};
    const verifier = createAccountVerifier(() => server.key);
    const token = await sign(claims);
    expect(await verifier.verify(token)).toBeUndefined();
    server.key = toText(keys.publicKey);
    expect(await verifier.verify(token)).toMatchObject({ id: "jane" });
  });

  it("forgets what it knew when the installation's key is another", async () => {
    let key = toText(keys.publicKey);
    const verifier = createAccountVerifier(() => key);
    const token = await sign(claims);
    await verifier.verify(token);
    key = toText(others.publicKey);
    expect(await verifier.verify(token)).toBeUndefined();
  });
});
