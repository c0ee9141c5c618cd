import { cleanPath } from "./path-table.ts";
import type { UrlParts } from "./split-url.ts";

/** Methods that call a service. */
const callMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
const callMethodSet: ReadonlySet<string> = new Set(callMethods);

/** Header `allow` of an answer to any other method. */
export const allowedMethods = [...callMethods, "OPTIONS"].join(", ");

export function isCallMethod(method: string): boolean {
  return callMethodSet.has(method);
}

/** What the gateway says of the server. */
export interface ServerState {
  readonly version: string;
  /** Why it should not be sent requests; empty when it should. */
  readonly unreadyReasons: () => readonly string[];
}

/** Paths that the gateway answers itself; undefined for calls. */
export function answerFixed(method: string, { path, query }: UrlParts, server: ServerState): Response | undefined {
  if (method === "OPTIONS") return new Response(null, { status: 200, headers: { allow: allowedMethods } });
  switch (path) {
    case "/":
      // Micro writes a space after the colon, and tools compare.
      return jsonText(`{"version": ${JSON.stringify(server.version)}}`);
    case "/health":
      return jsonText(`{"status": "ok"}`);
    case "/ready":
      return answerReady(server.unreadyReasons());
    case "/favicon.ico":
      return new Response(null, { status: 200 });
  }
  const clean = cleanPath(path);
  if (clean === undefined) return undefined;
  // 308 keeps method and body, 301 is what clients of GET remember.
  const status = method === "GET" || method === "HEAD" ? 301 : 308;
  return new Response(null, { status, headers: { location: query === "" ? clean : `${clean}?${query}` } });
}

function answerReady(reasons: readonly string[]): Response {
  if (reasons.length === 0) return jsonText(`{"status": "ready"}`);
  const headers = { "content-type": "application/json", "retry-after": "1" };
  return new Response(`{"status": "not ready", "reasons": ${JSON.stringify(reasons)}}`, { status: 503, headers });
}

function jsonText(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
