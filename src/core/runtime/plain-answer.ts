import { MicroError } from "#base/error.ts";
import { isRecord, type JsonValue } from "#base/json.ts";
import { fromErrorJson } from "#rpc/error-wire.ts";
import type { HttpResult } from "#rpc/http-client.ts";
import { isJsonType } from "./plain-openapi.ts";

/** Names under which services tell what went wrong, in the order of preference. */
const detailFields = ["detail", "message", "error_description", "error", "title"] as const;

/**
 * What a plain HTTP service answered, as a message: JSON as it is, other text as `{"text": …}`, other bytes as base64 in
 * `{"data": …}`, nothing as the empty message.
 *
 * @throws MicroError with the status and the words of a service that refuses; `bad_gateway` for JSON that is none.
 */
export function readPlainAnswer({ status, headers, body }: HttpResult<Uint8Array>, service: string): JsonValue {
  if (status >= 400) throw toFailure(status, body, service);
  if (body.byteLength === 0) return {};
  const type = headers.get("content-type") ?? "";
  if (isJsonType(type)) return parseAnswer(body, service);
  if (!/^text\/|^application\/(xml|javascript)|\+xml/i.test(type)) {
    return { data: Buffer.from(body).toString("base64"), content_type: type };
  }
  return { text: new TextDecoder().decode(body), content_type: type };
}

function parseAnswer(body: Uint8Array, service: string): JsonValue {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as JsonValue;
  } catch (cause) {
    throw new MicroError("bad_gateway", "the answer says that it is JSON, and is not", { at: service, cause });
  }
}

function toFailure(status: number, body: Uint8Array, service: string): MicroError {
  const error = fromErrorJson(status, body);
  const detail = readDetail(body) ?? error.detail;
  return new MicroError(error.code, detail, { at: error.id === "" ? service : error.id, httpStatus: status });
}

function readDetail(body: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!isRecord(value)) return undefined;
    const texts = detailFields.map((field) => value[field]);
    return texts.find((text): text is string => typeof text === "string" && text !== "");
  } catch {
    return undefined;
  }
}
