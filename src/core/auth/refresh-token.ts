import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isName } from "#base/name.ts";

/**
 * A refresh token as text: `mrt.<account>.<family>.<secret>`. The first parts find its record exactly; the secret alone
 * proves it, and only its hash is kept. Four parts, so that it never passes for a JWT.
 */
export interface RefreshToken {
  readonly accountId: string;
  /** All tokens that follow from one login. */
  readonly family: string;
  readonly secret: string;
}

const mark = "mrt";
const pattern = /^mrt\.([A-Za-z0-9_-]{1,256})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/;

export function formatRefreshToken({ accountId, family, secret }: RefreshToken): string {
  return `${mark}.${Buffer.from(accountId).toString("base64url")}.${family}.${secret}`;
}

/** The parts of a token, or undefined when the text is none. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, account = "", family = "", secret = ""] = pattern.exec(text) ?? [];
  const accountId = Buffer.from(account, "base64url").toString();
  return isName("account", accountId) ? { accountId, family, secret } : undefined;
}

export function createRefreshSecret(): string {
  return randomBytes(32).toString("base64url");
}

export function createFamily(): string {
  return randomBytes(16).toString("hex");
}

/** Hex of SHA-256: the secret is random, so that a slow hash would add nothing. */
export function hashRefreshSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export function isSameHash(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, "hex"), Buffer.from(right, "hex"));
}

/**
 * The secret after `secret`. It follows from the secret and a random salt that is kept with the family, so that two who
 * hold the same token and use it at the same time get the same successor, and the store alone yields neither.
 */
export function nextRefreshSecret(secret: string, salt: string): string {
  return createHmac("sha256", Buffer.from(salt, "hex")).update(secret).digest("base64url");
}

export function createSalt(): string {
  return randomBytes(32).toString("hex");
}
