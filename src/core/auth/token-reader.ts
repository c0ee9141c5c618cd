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

export const headerTypes: Readonly<Record<TokenUse, string>> = { access: "JWT", launch: "launch+jwt" };
export const algorithm = "RS256";

export interface TokenReaderDeps {
  readonly keys: Pick<SigningKeys, "publicKey">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Reads tokens, for which the public key is enough. */
export class TokenReader {
  readonly #deps: TokenReaderDeps;

  constructor(deps: TokenReaderDeps) {
    this.#deps = deps;
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
