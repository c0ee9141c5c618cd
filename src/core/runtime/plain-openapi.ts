import { isRecord } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";
import { SchemaReader } from "./plain-value.ts";

/** Where a parameter of an operation goes. */
export interface PlainParameter {
  readonly name: string;
  readonly place: "path" | "query" | "header";
  readonly isRequired: boolean;
}

/** How a body is written. `fields`: the fields of the message that no parameter takes; `whole`: the field `body` alone. */
export interface PlainBody {
  readonly contentType: string;
  readonly shape: "fields" | "whole";
  readonly isRequired: boolean;
}

/** One operation of an OpenAPI document, as an endpoint. */
export interface PlainOperation {
  /** `Type.Method`. */
  readonly endpoint: string;
  /** `GET` and others. */
  readonly method: string;
  /** `/orders/{id}`, with what the document's servers put before it. */
  readonly path: string;
  readonly parameters: readonly PlainParameter[];
  readonly body?: PlainBody;
  readonly request: Value;
  readonly response: Value;
  readonly description?: string;
}

const methods = ["get", "put", "post", "delete", "patch", "options"] as const;
/** Where documents mostly are. */
export const usualDocumentPaths = [
  "/openapi.json",
  "/v3/api-docs",
  "/swagger.json",
  "/api/openapi.json",
  "/docs/openapi.json",
];

/**
 * The operations of an OpenAPI document (3.0 or 3.1); undefined for anything else. What of it cannot be used is left out.
 *
 * @param type of the endpoints: `Shop` makes `Shop.ListOrders` of the operation `listOrders`
 */
export function readOpenApi(document: unknown, type: string): readonly PlainOperation[] | undefined {
  if (!isRecord(document) || !isRecord(document["paths"])) return undefined;
  if (typeof document["openapi"] !== "string" || !document["openapi"].startsWith("3.")) return undefined;
  const reader = new SchemaReader(document);
  const prefix = readPrefix(document["servers"]);
  const found = new Map<string, PlainOperation>();
  for (const [path, item] of Object.entries(document["paths"])) {
    const shared = reader.resolve(item);
    if (shared === undefined || !path.startsWith("/")) continue;
    for (const method of methods) {
      const operation = reader.resolve(shared[method]);
      if (operation === undefined) continue;
      const read = readOperation({ reader, type, method, path: `${prefix}${path}`, shared, operation });
      // Two of one name: the first one stands.
      if (!found.has(read.endpoint)) found.set(read.endpoint, read);
    }
  }
  return [...found.values()];
}

interface OperationSource {
  readonly reader: SchemaReader;
  readonly type: string;
  readonly method: string;
  readonly path: string;
  readonly shared: Readonly<Record<string, unknown>>;
  readonly operation: Readonly<Record<string, unknown>>;
}

function readOperation(source: OperationSource): PlainOperation {
  const { reader, type, method, path, shared, operation } = source;
  const id = operation["operationId"];
  const name = toWords(typeof id === "string" && /\w/.test(id) ? id : `${method} ${path}`);
  const described = [...listOf(shared["parameters"]), ...listOf(operation["parameters"])].flatMap((each) => {
    const parameter = reader.resolve(each);
    const read = parameter === undefined ? undefined : readParameter(parameter);
    return parameter === undefined || read === undefined
      ? []
      : [{ read, value: reader.value(read.name, parameter["schema"]) }];
  });
  // What an operation says of a parameter replaces what its path says.
  const byName = new Map(described.map((each) => [`${each.read.place} ${each.read.name}`, each]));
  const parameters = [...byName.values()];
  const body = readBody(reader, operation["requestBody"]);
  const values = [...parameters.map(({ value }) => value), ...(body?.values ?? [])];
  const summary = operation["summary"] ?? operation["description"];
  return {
    endpoint: `${type}.${name}`,
    method: method.toUpperCase(),
    path,
    parameters: parameters.map(({ read }) => read),
    ...(body === undefined ? {} : { body: body.body }),
    request: { name: `${name}Request`, type: `${name}Request`, values: uniqueByName(values) },
    response: readResponse(reader, operation["responses"], name),
    ...(typeof summary === "string" ? { description: summary.split("\n", 1)[0] ?? "" } : {}),
  };
}

function readParameter(parameter: Readonly<Record<string, unknown>>): PlainParameter | undefined {
  const { name, in: place, required } = parameter;
  if (typeof name !== "string" || (place !== "path" && place !== "query" && place !== "header")) return undefined;
  return { name, place, isRequired: place === "path" || required === true };
}

function readBody(
  reader: SchemaReader,
  value: unknown,
): { readonly body: PlainBody; readonly values: readonly Value[] } | undefined {
  const body = reader.resolve(value);
  const content = body?.["content"];
  if (body === undefined || !isRecord(content)) return undefined;
  const types = Object.keys(content);
  const contentType = types.find(isJsonType) ?? types.find((each) => each === formType) ?? types[0];
  if (contentType === undefined) return undefined;
  const media = content[contentType];
  const tree = reader.value("body", isRecord(media) ? media["schema"] : undefined);
  const isOpen = (isJsonType(contentType) || contentType === formType) && tree.values.length > 0;
  const shape = isOpen && !tree.type.startsWith("[]") && !tree.type.startsWith("map[") ? "fields" : "whole";
  const values = shape === "fields" ? tree.values : [tree];
  return { body: { contentType, shape, isRequired: body["required"] === true }, values };
}

function readResponse(reader: SchemaReader, responses: unknown, name: string): Value {
  const all = isRecord(responses) ? responses : {};
  const status = Object.keys(all).find((each) => /^2(\d\d|XX)$/.test(each));
  const content = status === undefined ? undefined : reader.resolve(all[status])?.["content"];
  const media = isRecord(content) ? Object.entries(content).find(([type]) => isJsonType(type))?.[1] : undefined;
  if (!isRecord(media)) return { name: `${name}Response`, type: `${name}Response`, values: [] };
  return { ...reader.value(`${name}Response`, media["schema"]), name: `${name}Response` };
}

/** What the first server puts before paths: only a path on the same machine. */
function readPrefix(servers: unknown): string {
  const [first] = listOf(servers);
  const url = isRecord(first) && typeof first["url"] === "string" ? first["url"] : "";
  const [, path = ""] = /^(?:https?:\/\/[^/?#]*)?(\/[\w./~-]*)?$/.exec(url) ?? [];
  return path.replace(/\/+$/, "");
}

export const formType = "application/x-www-form-urlencoded";

/** `application/json`, `application/problem+json`. */
export function isJsonType(type: string): boolean {
  return /^application\/(json|[\w.+-]+\+json)(;|$)/i.test(type.trim());
}

/** `list-orders`, `get /orders/{id}` → `ListOrders`, `GetOrdersId`. */
function toWords(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Call${joined}`;
}

function uniqueByName(values: readonly Value[]): readonly Value[] {
  return [...new Map(values.map((value) => [value.name, value])).values()];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
