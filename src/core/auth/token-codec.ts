import { randomBytes } from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import { jwtVerify } from "jose/jwt/verify";
import type { Clock } from "#base/clock.ts";
import { isRecord } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { Account } from "#interface/auth.ts";
import type { SigningKeys } from "./signing-keys.ts";

/**
 * What a token is for; the header says it, so that none passes for another. An access token looks as Micro's do
 * (`typ: JWT`); a launch credential only buys access tokens.
 */
export type TokenUse = "access" | "launch";

/** A token that holds: whose it is, from which generation of the account, until when. */
export interface ReadToken {
  readonly account: Account;
  readonly generation: number;
  readonly expiresAtMs: number;
}

const headerTypes: Readonly<Record<TokenUse, string>> = { access: "JWT", launch: "launch+jwt" };
const algorithm = "RS256";

export interface TokenCodecDeps {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Signs tokens and reads them back. */
export class TokenCodec {
  readonly #deps: TokenCodecDeps;

  constructor(deps: TokenCodecDeps) {
    this.#deps = deps;
  }

  /** @param token `expiresAtMs` is rounded down to whole seconds, as tokens count. */
  sign(use: TokenUse, { account, generation, expiresAtMs }: ReadToken): Promise<string> {
    const { type, scopes, metadata, name } = account;
    const claims = { type, scopes, metadata, name, ...(use === "access" ? {} : { use }) };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: headerTypes[use] })
      .setSubject(account.id)
      .setIssuer(account.namespace)
      .setIssuedAt(Math.floor(this.#deps.clock.now() / 1_000))
      .setExpirationTime(Math.floor(expiresAtMs / 1_000))
      .setJti(`${generation.toString(36)}.${randomBytes(12).toString("base64url")}`)
      .sign(this.#deps.keys.privateKey);
  }

  /** What a token says, or undefined when it is not a token of ours, of this use, that holds now. */
  async read(use: TokenUse, token: string): Promise<ReadToken | undefined> {
    if (token.length > limits.headerBytesMax) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.#deps.keys.publicKey, {
        algorithms: [algorithm],
        typ: headerTypes[use],
        currentDate: new Date(this.#deps.clock.now()),
        requiredClaims: ["sub", "iss", "exp", "iat", "jti"],
      });
      const expectedUse = use === "access" ? undefined : use;
      return payload["use"] === expectedUse ? parseClaims(payload) : undefined;
    } catch (reason) {
      // The text of a failure names claims and checks, never the token.
      const why = reason instanceof Error ? reason.message : "unreadable";
      this.#deps.logger.info("token refused", { use, why });
      return undefined;
    }
  }
}

function parseClaims(claims: Readonly<Record<string, unknown>>): ReadToken | undefined {
  const { sub: id, iss: namespace, type, name, scopes, metadata, exp, jti } = claims;
  if (typeof id !== "string" || typeof namespace !== "string" || typeof type !== "string") return undefined;
  if (typeof exp !== "number" || typeof jti !== "string") return undefined;
  const generation = Number.parseInt(jti, 36);
  if (!Number.isSafeInteger(generation)) return undefined;
  const account: Account = {
    id,
    namespace,
    type,
    name: typeof name === "string" ? name : id,
    scopes: Array.isArray(scopes) ? scopes.filter((each) => typeof each === "string") : [],
    metadata: isRecord(metadata) ? toTexts(metadata) : {},
  };
  return { account, generation, expiresAtMs: exp * 1_000 };
}

function toTexts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(texts);
}
