import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Words } from "./config-path.ts";

/** A key of AES-256-GCM, with the name under which what it sealed refers to it. */
export interface SecretKey {
  /** Eight hexadecimal digits of the hash of the key. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Where a secret lies. What was sealed for one place cannot be opened at another. */
export interface SecretPlace {
  readonly namespace: string;
  readonly words: Words;
}

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export function toSecretKey(bytes: Uint8Array): SecretKey {
  return { id: createHash("sha256").update(bytes).digest("hex").slice(0, 8), bytes };
}

/** `<key id>.<base64 of nonce, ciphertext and tag>`. The nonce is random, so the same text never looks the same. */
export function sealSecret(key: SecretKey, place: SecretPlace, text: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce);
  cipher.setAAD(placeBytes(place));
  const bytes = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `${key.id}.${bytes.toString("base64")}`;
}

/** The text again; undefined when this is not what the key sealed for this place. */
export function openSecret(key: SecretKey, place: SecretPlace, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed.slice(sealed.indexOf(".") + 1), "base64");
  if (bytes.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key.bytes, bytes.subarray(0, nonceBytes));
  decipher.setAAD(placeBytes(place));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const ciphertext = bytes.subarray(nonceBytes, bytes.length - tagBytes);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

/** The key that sealed it. */
export function keyIdOf(sealed: string): string {
  return sealed.slice(0, sealed.indexOf("."));
}

/** Bytes of the text that was sealed, without opening it. */
export function secretBytes(sealed: string): number {
  const base64 = sealed.slice(sealed.indexOf(".") + 1);
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.max(0, (base64.length / 4) * 3 - padding - nonceBytes - tagBytes);
}

/** A namespace has no zero byte, so the two cannot be mistaken for each other. */
function placeBytes({ namespace, words }: SecretPlace): Buffer {
  return Buffer.from(`${namespace}\0${words.join(".")}`);
}
