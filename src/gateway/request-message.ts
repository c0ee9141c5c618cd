import { MicroError } from "#base/error.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { Value } from "#interface/registry.ts";
import type { Encoding } from "#rpc/server-call.ts";
import { isJsonObject, mergeJson } from "./merge-json.ts";
import { parseParameters } from "./parameters.ts";
import { parametersToJson } from "./parameters-to-json.ts";

/** What an HTTP request says, before it is a message. */
export interface RequestParts {
  readonly method: string;
  readonly contentType: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  /** The body; empty for methods without one. */
  readonly body: Uint8Array;
  /** Schema of the request where it is known. */
  readonly type: Value | undefined;
}

/** One message for a service. */
export interface RequestMessage {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
}

/** What a body can be. */
export type BodyKind = "json" | "form" | "proto";

const utf8 = new TextEncoder();
const noBytes = new Uint8Array(0);
const emptyObject: Uint8Array = utf8.encode("{}");
const protoTypes: ReadonlySet<string> = new Set([
  "application/proto",
  "application/protobuf",
  "application/x-protobuf",
  "application/grpc",
  "application/grpc+proto",
  "application/octet-stream",
]);

/** The media type of a content type, without its parameters. */
function mediaType(contentType: string): string {
  const [type = ""] = contentType.toLowerCase().split(";", 1);
  return type.trim();
}

/** True for a body in protobuf. */
export function isProto(contentType: string): boolean {
  return contentType !== "application/json" && protoTypes.has(mediaType(contentType));
}

/** True for the body of a form with files. */
export function isMultipart(contentType: string): boolean {
  return contentType !== "application/json" && mediaType(contentType) === "multipart/form-data";
}

/** What a content type says of the body; without one it is JSON. @throws MicroError `unsupported_media_type`. */
export function toBodyKind(contentType: string): BodyKind {
  if (contentType === "" || contentType === "application/json") return "json";
  const name = mediaType(contentType);
  if (name === "application/json" || name.endsWith("+json") || name === "text/json") return "json";
  if (name === "application/x-www-form-urlencoded") return "form";
  if (protoTypes.has(name)) return "proto";
  throw new MicroError(
    "unsupported_media_type",
    `content type ${JSON.stringify(name.slice(0, 60))} is not supported; send application/json, ` +
      "application/x-www-form-urlencoded, multipart/form-data or application/proto",
  );
}

/**
 * The message that a request carries: its body, its query, or both, where the body wins. JSON that needs no change is
 * passed on as it is, unread.
 *
 * @throws MicroError `invalid_argument` or `unsupported_media_type`.
 */
export function toRequestMessage(parts: RequestParts): RequestMessage {
  if (!hasBody(parts.method)) return toRequestMessage({ ...parts, method: "POST", contentType: "", body: noBytes });
  const kind = toBodyKind(parts.contentType);
  if (kind === "proto") return toProtoMessage(parts);
  if (kind === "json" && parts.query === "") {
    return { encoding: "json", bytes: parts.body.byteLength === 0 ? emptyObject : parts.body };
  }
  return { encoding: "json", bytes: joinWithQuery(parts, kind === "form" ? readForm(parts) : readObject(parts.body)) };
}

/** A body laid on the query, as JSON. @throws MicroError `invalid_argument` */
export function joinWithQuery({ query, type }: Pick<RequestParts, "query" | "type">, body: JsonObject): Uint8Array {
  return writeJson(mergeJson(parametersToJson(parseParameters(query, "query"), type), body));
}

/** Methods whose body counts. */
export function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

function toProtoMessage(parts: RequestParts): RequestMessage {
  if (parts.query === "") return { encoding: "proto", bytes: parts.body };
  throw new MicroError(
    "invalid_argument",
    "a protobuf body cannot be joined with query parameters; put all in the body",
  );
}

function readForm(parts: RequestParts): JsonObject {
  const text = new TextDecoder().decode(parts.body);
  // Clients such as curl call a body a form unless told otherwise; no name of a form field begins with a brace.
  if (text.trimStart().startsWith("{")) return readObject(parts.body);
  return parametersToJson(parseParameters(text, "form"), parts.type);
}

function readObject(bytes: Uint8Array): JsonObject {
  if (bytes.byteLength === 0) return {};
  const value = parseJson(bytes);
  if (value === null) return {};
  if (isJsonObject(value)) return value;
  throw new MicroError("invalid_argument", "the body must be a JSON object when there are query parameters too");
}

function writeJson(value: JsonObject): Uint8Array {
  // Writing takes a time that grows with the square of the depth: some kilobytes of brackets would hold up everybody.
  if (isDeeperThan(value, limits.messageDepthMax)) {
    throw new MicroError("invalid_argument", `the request is nested deeper than ${limits.messageDepthMax} levels`);
  }
  return utf8.encode(JSON.stringify(value));
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new MicroError("invalid_argument", "the body is not valid JSON", { cause });
  }
}
