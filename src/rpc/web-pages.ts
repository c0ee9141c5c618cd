import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";

/** Which web pages may call from a browser. They act with tokens that they hold themselves; cookies are not looked at. */
export interface WebPages {
  /** Origins such as `https://app.example.com`. @default none */
  readonly trustedOrigins?: readonly string[];
  /** Whether pages of any other origin may call too. @default true */
  readonly allowsOthers?: boolean;
}

/** Names of headers with commas, as a browser asks for them; anything else is not repeated to it. */
const headerNames = /^[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}$/;

/** How long a browser need not ask again, in seconds. */
const preflightAgeS = 600;

/** What gRPC-Web and Connect say in headers, and a page has to read. */
const exposedAlways = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/** Lets pages of other origins call: answers the question that browsers ask first, and marks answers as theirs to read. */
export function admitPages(handle: HttpHandler, pages: WebPages): HttpHandler {
  return (request) => {
    const origin = request.header("origin");
    if (origin === undefined) return handle(request);
    const allowed = originHeaders(origin, pages);
    if (request.method === "OPTIONS" && request.header("access-control-request-method") !== undefined) {
      return answerPreflight(request, allowed);
    }
    const response = handle(request);
    return response instanceof Promise
      ? response.then((settled) => markReadable(settled, allowed))
      : markReadable(response, allowed);
  };
}

function originHeaders(origin: string, { trustedOrigins = [], allowsOthers = true }: WebPages): Record<string, string> {
  if (allowsOthers) return { "access-control-allow-origin": "*" };
  // A cache must not show a page of one origin what was answered to another.
  if (!trustedOrigins.includes(origin)) return { vary: "origin" };
  return { "access-control-allow-origin": origin, vary: "origin" };
}

function answerPreflight(request: HttpRequest, allowed: Readonly<Record<string, string>>): HttpResponse {
  const asked = request.header("access-control-request-headers") ?? "";
  const headers = {
    ...allowed,
    "access-control-allow-methods": "POST",
    "access-control-max-age": String(preflightAgeS),
    ...(headerNames.test(asked) ? { "access-control-allow-headers": asked } : {}),
  };
  return { status: 204, headers, body: new Uint8Array(0) };
}

function markReadable(response: HttpResponse, allowed: Readonly<Record<string, string>>): HttpResponse {
  const exposed = [...exposedAlways, ...Object.keys(response.headers)].join(", ");
  return { ...response, headers: { ...response.headers, ...allowed, "access-control-expose-headers": exposed } };
}
