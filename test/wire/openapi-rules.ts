/**
 * What OpenAPI 3.1.0 asks of a document, as far as ours has it: which fields there must be and may be, what they hold, and
 * that names that are referred to exist. https://spec.openapis.org/oas/v3.1.0
 */
type Json = Readonly<Record<string, unknown>>;

/** Every breach, with the place where it is; empty for a document that is valid. */
export function findBreaches(document: unknown): readonly string[] {
  const breaches: string[] = [];
  const report = (at: string, what: string): void => void breaches.push(`${at}: ${what}`);
  const root = requireObject(document, "#", report);
  requireFields(
    root,
    "#",
    { required: ["openapi", "info", "paths"], optional: ["components", "security", "tags"] },
    report,
  );
  if (!/^3\.1\.\d+$/.test(String(root["openapi"]))) report("#/openapi", "is not 3.1.x");
  const info = requireObject(root["info"], "#/info", report);
  requireFields(info, "#/info", { required: ["title", "version"], optional: ["description"] }, report);
  for (const field of ["title", "version"]) requireText(info[field], `#/info/${field}`, report);
  const tags = new Set(listOf(root["tags"]).map((tag) => requireText(objectOf(tag)["name"], "#/tags", report)));
  if (tags.size !== listOf(root["tags"]).length) report("#/tags", "names are not unique");
  const components = objectOf(root["components"]);
  const schemes = Object.keys(objectOf(components["securitySchemes"]));
  for (const [name, scheme] of Object.entries(objectOf(components["securitySchemes"]))) {
    const at = `#/components/securitySchemes/${name}`;
    if (objectOf(scheme)["type"] !== "http" || objectOf(scheme)["scheme"] !== "bearer")
      report(at, "is no bearer token");
  }
  for (const name of Object.keys(components["schemas"] ?? {})) {
    if (!/^[a-zA-Z0-9._-]+$/.test(name)) report(`#/components/schemas/${name}`, "is no name of a component");
    checkSchema(objectOf(components["schemas"])[name], `#/components/schemas/${name}`, root, report);
  }
  for (const requirement of listOf(root["security"])) {
    for (const name of Object.keys(objectOf(requirement))) {
      if (!schemes.includes(name)) report("#/security", `${name} is not declared`);
    }
  }
  const ids = new Set<unknown>();
  for (const [path, item] of Object.entries(requireObject(root["paths"], "#/paths", report))) {
    const at = `#/paths/${path}`;
    if (!path.startsWith("/")) report(at, "does not begin with a slash");
    if (/[{}?#]/.test(path)) report(at, "has a parameter that is not declared, or a query");
    requireFields(objectOf(item), at, { required: [], optional: ["get", "post", "put", "delete", "summary"] }, report);
    for (const [method, operation] of Object.entries(objectOf(item))) {
      checkOperation(objectOf(operation), { at: `${at}/${method}`, root, tags, ids }, report);
    }
  }
  return breaches;
}

type Report = (at: string, what: string) => void;

function checkOperation(
  operation: Json,
  { at, root, tags, ids }: { at: string; root: Json; tags: ReadonlySet<string>; ids: Set<unknown> },
  report: Report,
): void {
  const optional = ["operationId", "tags", "summary", "description", "requestBody", "parameters", "security"];
  requireFields(operation, at, { required: ["responses"], optional }, report);
  if (ids.has(operation["operationId"])) report(at, "operationId is not unique");
  ids.add(operation["operationId"]);
  for (const tag of listOf(operation["tags"]))
    if (!tags.has(String(tag))) report(at, `tag ${String(tag)} is not declared`);
  if (operation["requestBody"] !== undefined) {
    const body = objectOf(operation["requestBody"]);
    requireFields(body, `${at}/requestBody`, { required: ["content"], optional: ["description", "required"] }, report);
    checkContent(body["content"], `${at}/requestBody/content`, root, report);
  }
  const responses = Object.entries(objectOf(operation["responses"]));
  if (responses.length === 0) report(`${at}/responses`, "has no response");
  for (const [status, response] of responses) {
    const place = `${at}/responses/${status}`;
    if (!/^(?:[1-5](?:\d\d|XX)|default)$/.test(status)) report(place, "is no status");
    requireFields(objectOf(response), place, { required: ["description"], optional: ["content", "headers"] }, report);
    checkContent(objectOf(response)["content"], `${place}/content`, root, report);
  }
}

function checkContent(content: unknown, at: string, root: Json, report: Report): void {
  for (const [type, media] of Object.entries(objectOf(content))) {
    if (!/^[\w.+-]+\/[\w.+*-]+$/.test(type)) report(at, `${type} is no media type`);
    requireFields(objectOf(media), `${at}/${type}`, { required: [], optional: ["schema", "example"] }, report);
    checkSchema(objectOf(media)["schema"], `${at}/${type}/schema`, root, report);
  }
}

const schemaTypes: ReadonlySet<unknown> = new Set([
  "null",
  "boolean",
  "object",
  "array",
  "number",
  "string",
  "integer",
]);
const schemaFields = ["type", "properties", "items", "additionalProperties", "format", "description", "minimum"];

/** JSON Schema 2020-12, which is what 3.1 means by a schema. */
function checkSchema(schema: unknown, at: string, root: Json, report: Report): void {
  if (typeof schema === "boolean") return;
  const given = requireObject(schema, at, report);
  requireFields(given, at, { required: [], optional: [...schemaFields, "contentEncoding", "$ref"] }, report);
  const { type, $ref: reference } = given;
  if (reference !== undefined) {
    const target = requireText(reference, `${at}/$ref`, report);
    if (resolve(root, target) === undefined) report(at, `${target} is not there`);
  }
  const types = Array.isArray(type) ? (type as unknown[]) : type === undefined ? [] : [type];
  if (types.some((each) => !schemaTypes.has(each))) report(at, `${String(type)} is no type`);
  if (new Set(types).size !== types.length) report(at, "has a type twice");
  if (types.includes("array") && given["items"] === undefined) report(at, "says nothing of its items");
  if (given["items"] !== undefined) checkSchema(given["items"], `${at}/items`, root, report);
  const more = given["additionalProperties"];
  if (more !== undefined) checkSchema(more, `${at}/additionalProperties`, root, report);
  for (const [name, field] of Object.entries(objectOf(given["properties"]))) {
    checkSchema(field, `${at}/properties/${name}`, root, report);
  }
}

function resolve(root: Json, reference: string): unknown {
  if (!reference.startsWith("#/")) return undefined;
  return reference
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => objectOf(value)[key.replaceAll("~1", "/").replaceAll("~0", "~")], root);
}

function requireFields(
  value: Json,
  at: string,
  { required, optional }: { readonly required: readonly string[]; readonly optional: readonly string[] },
  report: Report,
): void {
  for (const field of required) if (value[field] === undefined) report(at, `${field} is missing`);
  for (const field of Object.keys(value)) {
    if (![...required, ...optional].includes(field) && !field.startsWith("x-")) report(at, `${field} is not known`);
  }
}

function requireObject(value: unknown, at: string, report: Report): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) report(at, "is no object");
  return objectOf(value);
}

function requireText(value: unknown, at: string, report: Report): string {
  if (typeof value !== "string" || value === "") report(at, "is no text");
  return String(value);
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
