import { MicroError } from "#base/error.ts";
import { isRecord, type JsonValue } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Value } from "#interface/registry.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { implement, type MessageType, type MethodImplementation } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { readPlainAnswer } from "./plain-answer.ts";
import { readOpenApi, usualDocumentPaths, type PlainOperation } from "./plain-openapi.ts";
import { toPlainRequest, type PlainRequest } from "./plain-request.ts";

export interface PlainHttpTarget {
  readonly http: HttpClient;
  /** `host:port`. */
  readonly address: string;
  /** What its calls are named by. */
  readonly service: string;
}

/** Time for a document to be read, in milliseconds. */
const documentMs = 5_000;
const encoder = new TextEncoder();

/**
 * What a plain HTTP server answers, as methods: the operations of its OpenAPI document, or where it has none one method that
 * sends any request. Undefined for a server that does not speak HTTP/1.1.
 *
 * @param documentPath where its document is; absent: the usual places
 */
export async function plainHttpMethods(
  target: PlainHttpTarget,
  documentPath: string | undefined,
): Promise<readonly MethodImplementation[] | undefined> {
  const type = toTypeName(target.service);
  for (const path of documentPath === undefined ? usualDocumentPaths : [documentPath]) {
    const read = await readDocument(target, path);
    if (read === undefined) return undefined;
    const operations = readOpenApi(read.document, type);
    if (operations !== undefined) return operations.map((operation) => operationMethod(target, operation));
  }
  return [anyRequestMethod(target, `${type}.Request`)];
}

/** Undefined where nobody answers in HTTP. */
async function readDocument(
  { http, address }: PlainHttpTarget,
  path: string,
): Promise<{ readonly document: unknown } | undefined> {
  const send = { method: "GET", path, headers: { accept: "application/json" }, body: new Uint8Array() };
  const signal = AbortSignal.timeout(documentMs);
  const answer = await http.post(address, { ...send, signal }).catch(() => undefined);
  if (answer === undefined) return undefined;
  return { document: answer.status === 200 ? parseJson(answer.body) : undefined };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

function operationMethod(target: PlainHttpTarget, operation: PlainOperation): MethodImplementation {
  const { endpoint, request, response, description, method, path } = operation;
  return implement(
    {
      endpoint,
      kind: "unary",
      input: messageOf(request),
      output: jsonOf(response),
      metadata: { http: `${method} ${path}` },
      ...(description === undefined ? {} : { description }),
    },
    (message, call) => send(target, toPlainRequest(operation, message), call),
  );
}

/** For a server that does not say what it answers. */
function anyRequestMethod(target: PlainHttpTarget, endpoint: string): MethodImplementation {
  const text = (name: string): Value => ({ name, type: "string", values: [] });
  const open = (name: string): Value => ({ name, type: "any", values: [] });
  const request = {
    name: "HttpRequest",
    type: "HttpRequest",
    values: [text("method"), text("path"), open("query"), open("headers"), open("body")],
  };
  return implement(
    {
      endpoint,
      kind: "unary",
      input: messageOf(request),
      output: jsonOf({ name: "HttpResponse", type: "HttpResponse", values: [] }),
      description: "Sends any HTTP request to the service, which publishes no OpenAPI document.",
    },
    (message, call) => send(target, toAnyRequest(message), call),
  );
}

/** @throws MicroError `invalid_argument` for a field that is none of a request. */
function toAnyRequest(message: Readonly<Record<string, unknown>>): PlainRequest {
  const { method = "GET", path = "/", query = {}, headers = {}, body, ...others } = message;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new MicroError("invalid_argument", `${unknown}: there is no such field`);
  if (typeof method !== "string" || typeof path !== "string" || !path.startsWith("/")) {
    throw new MicroError("invalid_argument", "method and path must be texts, and the path begin with /");
  }
  const search = new URLSearchParams(toTexts(query, "query")).toString();
  const typed = typeof body === "string" ? {} : { "content-type": "application/json" };
  return {
    method: method.toUpperCase(),
    path: search === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${search}`,
    headers: { ...(body === undefined ? {} : typed), ...toTexts(headers, "headers") },
    body:
      body === undefined ? new Uint8Array() : encoder.encode(typeof body === "string" ? body : JSON.stringify(body)),
  };
}

function toTexts(value: unknown, field: string): Record<string, string> {
  if (!isRecord(value)) throw new MicroError("invalid_argument", `${field}: it must be an object`);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.toLowerCase(), String(each)]));
}

async function send(
  { http, address, service }: PlainHttpTarget,
  request: PlainRequest,
  call: ServerCall,
): Promise<JsonValue> {
  const headers = { accept: "application/json, */*;q=0.5", ...passedOn(call.metadata), ...request.headers };
  const answer = await http.post(address, { ...request, headers, signal: call.signal });
  return readPlainAnswer(answer, service);
}

/** Metadata that belongs to the call itself and not to the connection, without the caller's token: it is for Micro alone. */
function passedOn(metadata: Metadata): Metadata {
  const kept = Object.entries(metadata).filter(([name]) => !ownHeaders.test(name));
  return Object.fromEntries(kept);
}

const ownHeaders =
  /^(authorization|cookie|host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|expect|content-.*|accept.*|grpc-.*|connect-.*|proxy-.*|timeout|user-agent|sec-.*|if-.*|range)$/;

function messageOf(value: Value): MessageType<Readonly<Record<string, unknown>>> {
  return {
    name: value.name,
    value,
    fromJson: (json) => {
      if (isRecord(json)) return json;
      throw new MicroError("invalid_argument", `${value.name}: it must be a JSON object`);
    },
    toJson: (message) => message as JsonValue,
  };
}

function jsonOf(value: Value): MessageType<JsonValue> {
  return { name: value.name, value, fromJson: (json) => json as JsonValue, toJson: (message) => message };
}

/** `my-shop` → `MyShop`. */
export function toTypeName(service: string): string {
  const words = service.split(/\W+/).filter((word) => word !== "");
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Service${joined}`;
}
