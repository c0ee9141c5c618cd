import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import type { GatewayTls } from "#gateway/listen-gateway.ts";
import type { TlsFiles } from "./server-options.ts";

/**
 * Reads a certificate and its key, and checks that they are that, and belong together: what is wrong is said here, in
 * words, and not by the library that would meet it later.
 *
 * @throws MicroError `invalid_argument` that names the flag and the file.
 */
export async function readTlsFiles(files: TlsFiles): Promise<GatewayTls> {
  const [cert, key] = await Promise.all([readPem("--tls-cert", files.cert), readPem("--tls-key", files.key)]);
  const certificate = attempt(
    () => new X509Certificate(cert),
    `--tls-cert ${files.cert} holds no certificate in PEM form`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    `--tls-key ${files.key} holds no private key in PEM form, or one that is encrypted`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new MicroError("invalid_argument", `--tls-key ${files.key} is not the key of --tls-cert ${files.cert}`);
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    throw new MicroError("invalid_argument", `--tls-cert ${files.cert} expired on ${certificate.validTo}`);
  }
  return { cert, key };
}

async function readPem(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new MicroError("invalid_argument", `${flag} ${path} cannot be read${code}`, { cause });
  }
}

function attempt<T>(parse: () => T, detail: string): T {
  try {
    return parse();
  } catch (cause) {
    throw new MicroError("invalid_argument", detail, { cause });
  }
}
