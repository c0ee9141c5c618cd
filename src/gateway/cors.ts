import { MicroError } from "#base/error.ts";

/** Which web pages may call the gateway from a browser. */
export interface CorsOptions {
  /**
   * Origins such as `https://app.example.com` whose pages act with the cookie of the user who looks at them.
   *
   * @default none
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * Whether pages of any other origin may call too, with a token that they hold themselves: a cookie that comes with
   * them is not taken for a login, so that no page acts for a user without his knowledge.
   *
   * @default true
   */
  readonly allowsOthers?: boolean;
}

const allowed = Object.freeze({
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-allow-headers":
    "Accept, Accept-Encoding, Authorization, Connect-Protocol-Version, Content-Encoding, Content-Length, Content-Type, " +
    "Micro-Namespace, X-CSRF-Token, X-Request-Id",
  "access-control-expose-headers": "Retry-After, X-Request-Id",
  "access-control-max-age": "600",
});

/** Headers that let the page of `origin` read an answer; none of them where it may not. */
export function corsHeaders(origin: string, options: CorsOptions): Record<string, string> {
  if (isTrusted(origin, options)) {
    return {
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      vary: "origin",
      ...allowed,
    };
  }
  // A cache must not show a page of one origin what was answered to another.
  if (options.allowsOthers === false) return { vary: "origin" };
  const vary = options.trustedOrigins === undefined || options.trustedOrigins.length === 0 ? {} : { vary: "origin" };
  return { "access-control-allow-origin": "*", ...vary, ...allowed };
}

/**
 * True when a cookie that comes with a request speaks for the user: the request is not of a browser's page, or it is of
 * a page of this server or of an origin that is trusted.
 */
export function mayUseCookie(header: (name: string) => string | undefined, options: CorsOptions): boolean {
  const origin = header("origin");
  if (origin !== undefined) return isTrusted(origin, options) || hostOf(origin) === header("host");
  const site = header("sec-fetch-site");
  return site === undefined || site === "same-origin" || site === "none";
}

/**
 * Reads a list of origins as a user writes it: `*`, or `https://a.example, https://b.example:8443`, or both.
 *
 * @param source the flag, for messages.
 * @throws MicroError `invalid_argument` for what is no origin.
 */
export function parseCorsOrigins(text: string, source: string): CorsOptions {
  const words = text.split(",").map((word) => word.trim());
  const given = words.filter((word) => word !== "");
  const trustedOrigins = given.filter((word) => word !== "*").map((word) => toOrigin(word, source));
  return { trustedOrigins, allowsOthers: given.includes("*") };
}

function toOrigin(text: string, source: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : "null";
  if (/^https?:\/\//.test(origin) && origin === text.toLowerCase().replace(/\/$/, "")) return origin;
  const detail = `${source} "${text}" is not an origin; write https://app.example.com, several with commas, or *`;
  throw new MicroError("invalid_argument", detail);
}

function isTrusted(origin: string, options: CorsOptions): boolean {
  return options.trustedOrigins?.includes(origin) === true;
}

function hostOf(origin: string): string {
  return origin.slice(origin.indexOf("//") + 2);
}
