import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { formType, isJsonType, type PlainOperation, type PlainParameter } from "./plain-openapi.ts";

/** A request as it is sent. */
export interface PlainRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const encoder = new TextEncoder();

/**
 * The HTTP request of an operation for one message: each field goes where the operation says.
 *
 * @throws MicroError `invalid_argument` that names the field which is missing, unknown, or cannot go there.
 */
export function toPlainRequest(operation: PlainOperation, message: Readonly<Record<string, unknown>>): PlainRequest {
  const { method, parameters } = operation;
  const rest = new Map(Object.entries(message).filter(([, value]) => value !== undefined && value !== null));
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let { path } = operation;
  for (const parameter of parameters) {
    const { name, place } = parameter;
    const texts = textsOf(parameter, rest.get(name));
    const isBodyField = operation.request.values.filter((each) => each.name === name).length > 1;
    if (!isBodyField) rest.delete(name);
    if (place === "path") path = path.replaceAll(`{${name}}`, toSegment(name, texts.join(",")));
    if (place === "query") for (const text of texts) query.append(name, text);
    if (place === "header" && texts.length > 0) headers[name.toLowerCase()] = texts.join(", ");
  }
  const search = query.size === 0 ? "" : `?${query.toString()}`;
  const { type, body } = toBody(operation, rest);
  const typed = type === undefined ? headers : { ...headers, "content-type": type };
  return { method, path: `${path}${search}`, headers: typed, body };
}

/** One step of a path: none that leads elsewhere. */
function toSegment(name: string, text: string): string {
  if (text !== "" && text !== "." && text !== "..") return encodeURIComponent(text);
  throw new MicroError("invalid_argument", `${name}: ${JSON.stringify(text)} cannot be a part of a path`);
}

function textsOf({ name, isRequired }: PlainParameter, value: unknown): readonly string[] {
  if (value === undefined) {
    if (isRequired) throw new MicroError("invalid_argument", `${name}: it is missing`);
    return [];
  }
  return (Array.isArray(value) ? value : [value]).map((each: unknown) => {
    if (typeof each === "string") return each;
    if (typeof each === "number" || typeof each === "boolean") return String(each);
    return JSON.stringify(each);
  });
}

function toBody(
  { body, request }: PlainOperation,
  rest: ReadonlyMap<string, unknown>,
): { readonly type?: string; readonly body: Uint8Array } {
  if (body === undefined) {
    const [unknown] = rest.keys();
    if (unknown === undefined) return { body: new Uint8Array() };
    const known = request.values.map((each) => each.name).join(", ");
    const hint = known === "" ? "it has no fields" : `known are ${known}`;
    throw new MicroError("invalid_argument", `${unknown}: there is no such field; ${hint}`);
  }
  const { contentType: type, shape, isRequired } = body;
  const value = shape === "whole" ? rest.get("body") : Object.fromEntries(rest);
  if (value === undefined || (rest.size === 0 && !isRequired)) {
    if (!isRequired) return { body: new Uint8Array() };
    throw new MicroError("invalid_argument", "body: it is missing");
  }
  if (isJsonType(type)) return { type, body: encoder.encode(JSON.stringify(value)) };
  if (type === formType && isRecord(value)) return { type, body: encoder.encode(toForm(value)) };
  return { type, body: encoder.encode(typeof value === "string" ? value : JSON.stringify(value)) };
}

function toForm(fields: Readonly<Record<string, unknown>>): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const text of textsOf({ name, place: "query", isRequired: false }, value)) form.append(name, text);
  }
  return form.toString();
}
