import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import type { Account } from "#interface/auth.ts";
import { createSigningKeys } from "./signing-keys.ts";
import { TokenCodec } from "./token-codec.ts";

const keys = await createSigningKeys();
const codec = new TokenCodec({ keys, clock: systemClock, logger: silentLogger });
const account: Account = {
  id: "jane",
  namespace: "micro",
  type: "user",
  name: "Jane",
  scopes: ["dev"],
  metadata: { team: "blue" },
};
const held = { account, generation: 7, expiresAtMs: Math.floor(Date.now() / 1_000) * 1_000 + 60_000 };
const token = await codec.sign("access", held);
const [head = "", body = "", signature = ""] = token.split(".");

describe("TokenCodec", () => {
  it("reads what it signed, for the use that it was signed for", async () => {
    expect(await codec.read("access", token)).toEqual(held);
    expect(await codec.read("launch", token)).toBeUndefined();
  });

  it("holds no token with a byte changed, and nothing that is none", async () => {
    const place = fc.nat({ max: token.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.constantFrom("A", "a", "0", "_", "-", ".", "x", "="), async (at, letter) => {
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        // The last letter of base64 has bits that nobody reads.
        fc.pre(changed !== token && !isSameBytes(changed));
        expect(await codec.read("access", changed)).toBeUndefined();
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300 }), async (text) => {
        expect(await codec.read("access", text)).toBeUndefined();
      }),
    );
  });

  it("holds no claims under a signature that is not theirs", async () => {
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const algorithm = fc.constantFrom("none", "HS256", "RS256", "RS512", "ES256", "");
    await fc.assert(
      fc.asyncProperty(algorithm, fc.dictionary(fc.string(), fc.jsonValue()), async (alg, claims) => {
        const forged = { ...JSON.parse(Buffer.from(body, "base64url").toString()), sub: "admin", ...claims };
        for (const signed of [signature, ""]) {
          const text = `${encode({ alg, typ: "JWT" })}.${encode(forged)}.${signed}`;
          expect(await codec.read("access", text)).toBeUndefined();
          expect(await codec.read("access", `${head}.${encode(forged)}.${signed}`)).toBeUndefined();
        }
      }),
    );
  });
});

/** True when the parts decode to the bytes of the token: another spelling of it, and no forgery. */
function isSameBytes(text: string): boolean {
  const parts = text.split(".");
  const decode = (each: string): string => Buffer.from(each, "base64url").toString("hex");
  return (
    parts.length === 3 && parts.every((part, index) => decode(part) === decode([head, body, signature][index] ?? ""))
  );
}
