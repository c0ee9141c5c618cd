import { isName } from "#base/name.ts";

/** What an HTTP path calls. */
export interface Route {
  readonly service: string;
  /** `Type.Method`. */
  readonly endpoint: string;
}

/**
 * Finds what a path calls, by its segments; undefined for a path that cannot be a call.
 *
 * | path | service | endpoint |
 * |---|---|---|
 * | `/a` | `a` | `A.Call` |
 * | `/a/b` | `a` | `A.B` |
 * | `/v1/a/b` | `v1.a` | `A.B` |
 * | `/a/b/c` | `a` | `B.C` |
 * | `/a/b/c/d` | `a.b` | `C.D` |
 *
 * A trailing slash says nothing. In types and methods `-` joins words: `list-services` is `ListServices`.
 *
 * @param path percent-encoded, without its query.
 */
export function resolvePath(path: string): Route | undefined {
  const segments = decodePath(path)
    ?.split("/")
    .filter((segment) => segment !== "");
  if (segments === undefined) return undefined;
  const [first = "", second = "", third] = segments;
  if (segments.length === 1) return toRoute(first, first, "call");
  if (segments.length === 2) return toRoute(first, first, second);
  if (third !== undefined && segments.length === 3 && /^v\d+$/.test(first)) {
    return toRoute(`${first}.${second}`, second, third);
  }
  return toRoute(segments.slice(0, -2).join("."), segments.at(-2) ?? "", segments.at(-1) ?? "");
}

/**
 * A path without `//`, `.` and `..`, or undefined when it is clean already. Where it is not, the answer is a redirect to
 * the clean one, so that one thing has one address.
 */
export function cleanPath(path: string): string | undefined {
  if (!/\/(?:\/|\.\.?(?:\/|$))/.test(path)) return undefined;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}${kept.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

function toRoute(service: string, type: string, method: string): Route | undefined {
  const [typeName, methodName] = [camel(type), camel(method)];
  if (!isName("service", service) || !isWord(typeName) || !isWord(methodName)) return undefined;
  return { service, endpoint: `${typeName}.${methodName}` };
}

/** A dot or a slash inside would call something else. */
function isWord(text: string): boolean {
  return /^\w+$/.test(text);
}

/** `list-services` → `ListServices`. */
function camel(text: string): string {
  let joined = "";
  for (const word of text.split("-")) joined += word.charAt(0).toUpperCase() + word.slice(1);
  return joined;
}

function decodePath(path: string): string | undefined {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
