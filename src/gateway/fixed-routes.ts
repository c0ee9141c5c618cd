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

/** Paths that the gateway answers itself; undefined for calls. */
export function answerFixed(method: string, { path, query }: UrlParts, version: string): Response | undefined {
  if (method === "OPTIONS") return new Response(null, { status: 200, headers: { allow: allowedMethods } });
  switch (path) {
    case "/":
      // Micro writes a space after the colon, and tools compare.
      return jsonText(`{"version": ${JSON.stringify(version)}}`);
    case "/health":
      return jsonText(`{"status": "ok"}`);
    case "/favicon.ico":
      return new Response(null, { status: 200 });
  }
  const clean = cleanPath(path);
  if (clean === undefined) return undefined;
  // 308 keeps method and body, 301 is what clients of GET remember.
  const status = method === "GET" || method === "HEAD" ? 301 : 308;
  return new Response(null, { status, headers: { location: query === "" ? clean : `${clean}?${query}` } });
}

function jsonText(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
