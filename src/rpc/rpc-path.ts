import { MicroError } from "#base/error.ts";

/** What a call is for, as its path says it. */
export interface RpcPath {
  /** Empty when the path names none (`/Type/Method`). */
  readonly service: string;
  /** `Type.Method`. */
  readonly endpoint: string;
}

/**
 * Reads `/a.b.Foo/Bar` as service `a.b`, endpoint `Foo.Bar`; undefined for anything that is not of that form.
 *
 * The service is everything before the last dot of the first part; the path must not carry a query.
 */
export function parseRpcPath(path: string): RpcPath | undefined {
  if (!path.startsWith("/")) return undefined;
  const slash = path.indexOf("/", 1);
  if (slash <= 1 || slash === path.length - 1 || path.indexOf("/", slash + 1) !== -1) return undefined;
  const dot = path.lastIndexOf(".", slash - 1);
  if (dot === 1 || dot === slash - 1) return undefined;
  const method = path.slice(slash + 1);
  if (dot === -1) return { service: "", endpoint: `${path.slice(1, slash)}.${method}` };
  return { service: path.slice(1, dot), endpoint: `${path.slice(dot + 1, slash)}.${method}` };
}

/**
 * The path of a call: `/service.Type/Method`, or `/Type/Method` without a service. An endpoint that begins with `/` is a
 * path already and is taken as it is.
 *
 * @throws MicroError `invalid_argument` for an endpoint that is not `Type.Method`; the text is the one that Micro's
 * servers give and its command line looks for.
 */
export function formatRpcPath(service: string, endpoint: string): string {
  if (endpoint.startsWith("/")) return endpoint;
  const dot = endpoint.indexOf(".");
  if (dot <= 0 || dot === endpoint.length - 1 || endpoint.indexOf(".", dot + 1) !== -1 || endpoint.includes("/")) {
    throw malformedMethodName(endpoint);
  }
  const method = `${endpoint.slice(0, dot)}/${endpoint.slice(dot + 1)}`;
  return service === "" ? `/${method}` : `/${service}.${method}`;
}

/** The refusal of a path or endpoint of another form. */
export function malformedMethodName(text: string): MicroError {
  return new MicroError("invalid_argument", `malformed method name: "${text.slice(0, 100)}"`);
}
