import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createPublicKey, createSign, createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { roughService } from "./rough-service.ts";
import { Caller, createAccount, readTokens, testSecret } from "./safety-world.ts";

/** Tokens that are forged, borrowed or worn out, against a real server. */
let server: TestServer;
let folder: TempFolder;
let token: string;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  token = await server.token();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Record<string, unknown>;
}

function sign(header: unknown, claims: unknown, key: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
}

/** Status of a call that only administrators may make. */
async function statusWith(bearer: string): Promise<number> {
  return (await new Caller(server, bearer).call("auth", "Accounts.List", {})).status;
}

function login(body: unknown): ReturnType<Caller["call"]> {
  return new Caller(server).call("auth", "Auth.Token", body);
}

describe("an access token", () => {
  it("is refused unless it is signed with the server's key, in the one way", async () => {
    const [head, claims, signature] = token.split(".");
    const { header, payload } = { header: decode(head), payload: decode(claims) };
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const pem = Buffer.from(server.addresses.publicKey, "base64").toString();
    const publicKey = createPublicKey(pem);
    const hmac = (secret: string): string => {
      const text = `${encode({ ...header, alg: "HS256" })}.${claims}`;
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    const forged = {
      none: `${encode({ alg: "none", typ: "JWT" })}.${claims}.`,
      "none with a signature": `${encode({ ...header, alg: "none" })}.${claims}.${signature}`,
      "another key": sign(header, payload, privateKey),
      "a key that it brings": sign({ ...header, jwk: publicKey.export({ format: "jwk" }) }, payload, privateKey),
      "a key to be fetched": sign({ ...header, jku: "http://127.0.0.1:9/keys" }, payload, privateKey),
      "the public key as a secret": hmac(pem),
      "the public key's text as a secret": hmac(server.addresses.publicKey),
      "other claims": `${head}.${encode({ ...payload, exp: 9_999_999_999 })}.${signature}`,
      "no signature": `${head}.${claims}.`,
      "two parts": `${head}.${claims}`,
      "four parts": `${token}.x`,
      nothing: "x",
      "a name of an object": "__proto__",
    };
    for (const [what, text] of Object.entries(forged)) {
      expect({ what, status: await statusWith(text) }).toEqual({ what, status: 401 });
    }
    expect(await statusWith(token)).toBe(200);
  });

  it("ends when its time is over", async () => {
    const { refresh } = await createAccount(server, { id: "brief", namespace: "micro", scopes: ["admin"] });
    const answer = await login({ refresh_token: refresh, token_expiry: "1" });
    const { access } = readTokens(JSON.parse(answer.text));
    await waitUntil("the token has ended", async () => (await statusWith(access)) === 401);
  });

  it("buys no other token, and neither does that of an account that is gone", async () => {
    const account = { id: "ann", namespace: "micro" };
    const { access, refresh } = await createAccount(server, account);
    expect((await login({ id: "ann", secret: access })).status).toBe(400);
    expect((await login({ refresh_token: access })).status).toBe(400);
    await new Caller(server, token).get("auth", "Accounts.Delete", { id: "ann" });
    expect((await login({ refresh_token: refresh })).status).toBe(400);
    expect((await login({ id: "ann", secret: testSecret })).status).toBe(400);
    expect(await statusWith(access)).toBe(401);
  });
});

describe("a refresh token", () => {
  it("changes with each use, and a guess at it ends the login", async () => {
    const { refresh: first } = await createAccount(server, { id: "bob", namespace: "micro" });
    const { refresh: second } = readTokens(JSON.parse((await login({ refresh_token: first })).text));
    expect(second).not.toBe(first);
    const guess = second.slice(0, -4) + (second.endsWith("AAAA") ? "BBBB" : "AAAA");
    expect((await login({ refresh_token: guess })).status).toBe(400);
    expect((await login({ refresh_token: second })).status).toBe(400);
    expect(server.output()).toContain("used twice");
  });

  it("is worth nothing in another namespace, also where one name begins like the other", async () => {
    const { refresh } = await createAccount(server, { id: "admin", namespace: "micro2" });
    for (const namespace of ["micro", "", "micro2/", "*", "micr", "../micro2"]) {
      const answer = await login({ refresh_token: refresh, options: { namespace } });
      expect({ namespace, status: answer.status }).toEqual({ namespace, status: 400 });
    }
    expect((await login({ refresh_token: refresh, options: { namespace: "micro2" } })).status).toBe(200);
  });

  it("is no access token", async () => {
    const { refresh } = await createAccount(server, { id: "cat", namespace: "micro", scopes: ["admin"] });
    expect(await statusWith(refresh)).toBe(401);
  });
});

describe("the credential of a launched service", () => {
  it("is no access token, and worth nothing for another account or once the service is gone", async () => {
    await Bun.write(`${folder.path}/rough/index.ts`, roughService);
    expect(await server.micro(["run", `${folder.path}/rough`])).toMatchObject({ code: 0 });
    const pid = /pid (\d+)/.exec((await server.micro(["logs", "rough"])).stdout)?.[1] ?? "";
    const environment = new Map(
      (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0").map((each) => {
        const equals = each.indexOf("=");
        return [each.slice(0, equals), each.slice(equals + 1)] as const;
      }),
    );
    const [id, secret] = [environment.get("MICRO_CLIENT_ID") ?? "", environment.get("MICRO_CLIENT_SECRET") ?? ""];
    expect(secret.split(".")).toHaveLength(3);
    expect(await statusWith(secret)).toBe(401);
    expect((await login({ refresh_token: secret })).status).toBe(400);
    expect((await login({ id: "admin", secret })).status).toBe(400);
    expect((await login({ id, secret, options: { namespace: "shop" } })).status).toBe(400);
    const own = await login({ id, secret });
    expect(own.status).toBe(200);
    const { access } = readTokens(JSON.parse(own.text));
    await server.micro(["kill", "rough"]);
    expect((await login({ id, secret })).status).toBe(400);
    await waitUntil("its tokens have ended", async () => {
      const answer = await new Caller(server, access).call("registry", "Registry.ListServices", {});
      return answer.status === 401;
    });
  });
});

describe("a login that is guessed at", () => {
  it("has to wait after a few wrong secrets, whether the account exists or not", async () => {
    await createAccount(server, { id: "dora", namespace: "micro" });
    for (const id of ["dora", "nobody-of-that-name"]) {
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 8; attempt += 1)
        statuses.push((await login({ id, secret: `guess ${attempt}` })).status);
      expect({ id, first: statuses[0], last: statuses.at(-1) }).toEqual({ id, first: 400, last: 429 });
    }
  });
});
