import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/**
 * The token of an `authorization` header: `Bearer TOKEN`, or `Basic base64(user:TOKEN)`, where the user is ignored.
 * Undefined when there is no header.
 *
 * @throws MicroError `unauthenticated` for any other scheme, in the words that Micro's proxies use.
 */
export function readToken(header: string | undefined, at: string): string | undefined {
  if (header === undefined || header === "") return undefined;
  if (hasScheme(header, "bearer ")) return header.slice("bearer ".length).trim();
  if (hasScheme(header, "basic ")) {
    const pair = Buffer.from(header.slice("basic ".length), "base64").toString("utf8");
    return pair.slice(pair.indexOf(":") + 1);
  }
  throw new MicroError("unauthenticated", "invalid authorization header. expected Bearer schema", { at });
}

/**
 * The tokens of headers that were good. One that comes again need not be cut out again, and whoever looks it up finds the
 * very text that he knows.
 */
export class KnownTokens {
  readonly #tokens = new Map<string, string>();

  /** The token of a header that was kept. */
  get(header: string | undefined): string | undefined {
    return header === undefined ? undefined : this.#tokens.get(header);
  }

  keep(header: string | undefined, token: string): void {
    if (header === undefined) return;
    if (this.#tokens.size >= limits.tokenCacheCountMax) this.#tokens.clear();
    this.#tokens.set(header, token);
  }
}

function hasScheme(header: string, scheme: string): boolean {
  return header.length > scheme.length && header.slice(0, scheme.length).toLowerCase() === scheme;
}
