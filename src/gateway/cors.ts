/** Which web pages may call the gateway from a browser. */
export interface CorsOptions {
  /**
   * Origins such as `https://app.example.com` whose pages act with the cookie of the user who looks at them.
   *
   * Pages of any other origin may call too, but only with a token that they hold themselves: a cookie that comes with
   * them is not taken for a login, so that no page acts for a user without his knowledge.
   *
   * @default none
   */
  readonly trustedOrigins?: readonly string[];
}

const allowed = Object.freeze({
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-allow-headers":
    "Accept, Accept-Encoding, Authorization, Connect-Protocol-Version, Content-Length, Content-Type, Micro-Namespace, X-CSRF-Token",
  "access-control-max-age": "600",
});

/** Headers that let the page of `origin` read an answer. */
export function corsHeaders(origin: string, options: CorsOptions): Record<string, string> {
  if (!isTrusted(origin, options)) return { "access-control-allow-origin": "*", ...allowed };
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
    ...allowed,
  };
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

function isTrusted(origin: string, options: CorsOptions): boolean {
  return options.trustedOrigins?.includes(origin) === true;
}

function hostOf(origin: string): string {
  return origin.slice(origin.indexOf("//") + 2);
}
