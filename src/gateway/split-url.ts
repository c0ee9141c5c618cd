export interface UrlParts {
  /** Percent-encoded. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
}

/** Path and query of a URL as Bun gives it: absolute, or the bare target where the `host` header is unusable. */
export function splitUrl(url: string): UrlParts {
  const start = url.startsWith("/")
    ? 0
    : url.indexOf("/", url.startsWith("https") ? "https://".length : "http://".length);
  if (start === -1) return { path: "/", query: "" };
  const question = url.indexOf("?", start);
  if (question === -1) return { path: url.slice(start), query: "" };
  return { path: url.slice(start, question), query: url.slice(question + 1) };
}
