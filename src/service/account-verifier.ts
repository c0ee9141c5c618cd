import type { KeyObject } from "node:crypto";
import { isRecord } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Account, TokenVerifier } from "#interface/auth.ts";

/** A longer token is refused unread: real ones are around a kilobyte. */
const tokenLengthMax = limits.headerBytesMax;

/** Tokens that ended before their time. */
export interface EndedTokenSource {
  /** Grows with each change. */
  readonly version: number;
  /** First generation of the tokens of an account that counts; 0 when all do. */
  firstGeneration(namespace: string, id: string): number;
}

interface Verified {
  readonly account: Account;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * Verifies access tokens with the public key of the installation, without asking the auth service. Tokens that were
 * good are remembered until they expire, the oldest forgotten first.
 *
 * @param publicKey base64 of the PEM key as it is now; undefined verifies nothing, then nobody is known
 * @param ended what is known of tokens that ended before their time. @default nothing
 */
export function createAccountVerifier(publicKey: () => string | undefined, ended?: EndedTokenSource): TokenVerifier {
  const known = new Map<string, Verified>();
  let knownKeyText: string | undefined;
  let knownVersion = ended?.version;
  let importedKey: { readonly text: string; readonly key: KeyObject } | undefined;

  const keyOf = async (text: string): Promise<KeyObject> => {
    if (importedKey?.text === text) return importedKey.key;
    const { createPublicKey } = await import("node:crypto");
    importedKey = { text, key: createPublicKey(Buffer.from(text, "base64").toString("utf8")) };
    return importedKey.key;
  };

  const verifyNew = async (token: string, keyText: string): Promise<Account | undefined> => {
    try {
      // Loaded with the first token: services that are called without one start without it.
      const { jwtVerify } = await import("jose");
      const { payload } = await jwtVerify(token, await keyOf(keyText), {
        algorithms: ["RS256"],
        // Signed by the same key, a launch credential has another type: it buys access tokens and opens nothing.
        typ: "JWT",
        requiredClaims: ["exp"],
      });
      const account = payload["use"] === undefined ? toAccount(payload) : undefined;
      if (account !== undefined && isEnded(account, payload.jti)) return undefined;
      if (account !== undefined && payload.exp !== undefined) {
        // A key that came meanwhile has made this token nobody's.
        if (knownKeyText !== keyText) return undefined;
        if (known.size >= limits.tokenCacheCountMax) dropOldest(known);
        known.set(token, { account, expiresAtMs: payload.exp * 1_000 });
      }
      return account;
    } catch {
      // Any failure means the same: this token says nothing about who calls.
      return undefined;
    }
  };

  const isEnded = ({ namespace, id }: Account, tokenId: string | undefined): boolean => {
    const first = ended?.firstGeneration(namespace, id) ?? 0;
    return first > 0 && !(Number.parseInt(tokenId ?? "", 36) >= first);
  };

  return {
    verify: (token) => {
      if (ended !== undefined && ended.version !== knownVersion) {
        knownVersion = ended.version;
        known.clear();
      }
      const keyText = publicKey();
      if (keyText !== knownKeyText) known.clear();
      knownKeyText = keyText;
      const hit = known.get(token);
      if (hit !== undefined) {
        if (hit.expiresAtMs > Date.now()) return hit.account;
        known.delete(token);
        return undefined;
      }
      return keyText === undefined || token.length > tokenLengthMax ? undefined : verifyNew(token, keyText);
    },
  };
}

function dropOldest(known: Map<string, Verified>): void {
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

/** The account that the claims of a token name; undefined when it is not an access token. */
function toAccount(claims: Readonly<Record<string, unknown>>): Account | undefined {
  const { sub, iss, type, name, scopes, metadata } = claims;
  if (typeof sub !== "string" || typeof iss !== "string" || typeof type !== "string" || sub === "" || iss === "") {
    return undefined;
  }
  return Object.freeze({
    id: sub,
    type,
    namespace: iss,
    name: typeof name === "string" ? name : sub,
    scopes: Array.isArray(scopes) ? scopes.filter((each): each is string => typeof each === "string") : [],
    metadata: isRecord(metadata) ? toMetadata(metadata) : {},
  });
}

function toMetadata(value: Readonly<Record<string, unknown>>): Metadata {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
