import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { chmod, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { MicroError } from "#base/error.ts";
import { writeKeyFile } from "./write-key-file.ts";

/** The key pair that signs tokens and lets everybody verify them. */
export interface SigningKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Base64 of the PEM (PKIX) of the public key: what services get as `MICRO_PUBLIC_KEY`. */
  readonly publicKeyText: string;
}

/**
 * Bits of a new key. Longer keys of an existing home are read as they are; making one of 4,096 bits takes seconds, and a
 * new server is to start in half of one. 2,048 bits are good until 2030 by NIST SP 800-57.
 */
const newKeyBits = 2_048;

/**
 * Reads the key pair of a home, or makes one where there is none. Files are base64 of PEM: PKCS#1 for the private key,
 * PKIX for the public one, which always follows from the private one.
 *
 * @throws MicroError `failed_precondition` for a file that is no RSA key, `unavailable` when it cannot be read or written.
 */
export async function openSigningKeys(files: { privateKeyFile: string; publicKeyFile: string }): Promise<SigningKeys> {
  const { privateKeyFile, publicKeyFile } = files;
  const stored = await readText(privateKeyFile);
  const privateKey = stored === undefined ? await makeKey(privateKeyFile) : parseKey(stored, privateKeyFile);
  // A key that others can read is not ours alone any more than a password on a note.
  if (stored !== undefined) await chmod(privateKeyFile, 0o600);
  const publicKey = createPublicKey(privateKey);
  const publicKeyText = Buffer.from(publicKey.export({ type: "spki", format: "pem" })).toString("base64");
  if ((await readText(publicKeyFile))?.trim() !== publicKeyText) await writeKeyFile(publicKeyFile, publicKeyText);
  return { privateKey, publicKey, publicKeyText };
}

/** The key of a process that only verifies. @param text as in `SigningKeys.publicKeyText`. */
export function readPublicKey(text: string): Pick<SigningKeys, "publicKey"> {
  return { publicKey: createPublicKey(Buffer.from(text, "base64").toString("utf8")) };
}

/** A key pair that is kept nowhere. */
export async function createSigningKeys(): Promise<SigningKeys> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: newKeyBits });
  const publicKeyText = Buffer.from(publicKey.export({ type: "spki", format: "pem" })).toString("base64");
  return { privateKey, publicKey, publicKeyText };
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = await createSigningKeys();
  await writeKeyFile(path, Buffer.from(privateKey.export({ type: "pkcs1", format: "pem" })).toString("base64"));
  return privateKey;
}

function parseKey(text: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(Buffer.from(text, "base64"));
    if (key.asymmetricKeyType === "rsa") return key;
  } catch (reason) {
    throw new MicroError("failed_precondition", notAKey(path), { cause: reason });
  }
  throw new MicroError("failed_precondition", notAKey(path));
}

function notAKey(path: string): string {
  return `${path} is not an RSA key (base64 of a PEM): restore it, or move it away to get a new one; that logs everybody out`;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return undefined;
    throw MicroError.from(reason, { code: "unavailable" });
  }
}
