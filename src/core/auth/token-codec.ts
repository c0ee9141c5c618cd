import { randomBytes } from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import type { SigningKeys } from "./signing-keys.ts";
import {
  algorithm,
  headerTypes,
  TokenReader,
  type ReadToken,
  type TokenReaderDeps,
  type TokenUse,
} from "./token-reader.ts";

export interface TokenCodecDeps extends TokenReaderDeps {
  readonly keys: Pick<SigningKeys, "publicKey" | "privateKey">;
}

/** Signs tokens and reads them back. */
export class TokenCodec extends TokenReader {
  readonly #deps: TokenCodecDeps;

  constructor(deps: TokenCodecDeps) {
    super(deps);
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
}
