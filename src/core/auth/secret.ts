import { randomBytes } from "node:crypto";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** 32 characters that nobody mixes up when reading them aloud: no i, l, o and 1 */
const alphabet = "abcdefghjkmnpqrstuvwxyz023456789";
const groupCount = 7;
const groupLength = 4;

/** A new secret of 140 random bits, in groups that can be typed. */
export function createSecret(): string {
  const characters = [...randomBytes(groupCount * groupLength)].map((byte) => alphabet[byte % alphabet.length]);
  const groups = Array.from({ length: groupCount }, (_, index) =>
    characters.slice(index * groupLength, (index + 1) * groupLength).join(""),
  );
  return groups.join("-");
}

/** The secret itself. @throws MicroError `invalid_argument` when it is missing or too long. */
export function requireSecret(secret: string): string {
  if (secret === "") throw new MicroError("invalid_argument", "secret is missing");
  if (Buffer.byteLength(secret) <= limits.secretBytesMax) return secret;
  throw new MicroError("invalid_argument", `a secret is at most ${limits.secretBytesMax} bytes`);
}
