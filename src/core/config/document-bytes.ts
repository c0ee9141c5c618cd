import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ConfigNode } from "./config-node.ts";
import { secretBytes } from "./secret-box.ts";

/** Bytes of the JSON of a document, secrets in clear. */
export function documentBytes(node: ConfigNode | undefined): number {
  if (node === undefined) return 0;
  if (node.kind === "value") return Buffer.byteLength(node.json);
  if (node.kind === "secret") return secretBytes(node.sealed);
  // Braces, and a colon and a comma a field.
  let bytes = 2 + Math.max(0, 2 * node.entries.size - 1);
  for (const [key, each] of node.entries) bytes += Buffer.byteLength(JSON.stringify(key)) + documentBytes(each);
  return bytes;
}

/** @throws MicroError `payload_too_large` for a document above the limit. */
export function requireDocumentSize(root: ConfigNode | undefined): void {
  const bytes = documentBytes(root);
  if (bytes <= limits.configDocumentBytesMax) return;
  const detail = `the document would have ${bytes} bytes, at most ${limits.configDocumentBytesMax} are possible: keep big things in the blob store`;
  throw new MicroError("payload_too_large", detail);
}
