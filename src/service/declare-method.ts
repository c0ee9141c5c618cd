import { MicroError } from "#base/error.ts";
import { methodKinds, type MethodImplementation, type MethodSpec } from "#rpc/method.ts";
import type { EndpointDeclaration } from "./declaration.ts";
import type { Schema } from "./schema-kind.ts";
import { createSchemaMessage } from "./schema-message.ts";

/**
 * A declared endpoint as a method of the wire.
 *
 * @param name `Type.Method`, or `Method` alone for the type that is called as the service
 * @throws MicroError `invalid_argument` for a name of another form, and for a declaration that is none.
 */
export function declareMethod<Request extends Schema, Response extends Schema>(
  serviceName: string,
  name: string,
  declaration: EndpointDeclaration<Request, Response>,
): MethodImplementation {
  const endpoint = toEndpointName(serviceName, name);
  checkDeclaration(endpoint, { ...declaration });
  const method = endpoint.replace(".", "");
  const spec: MethodSpec<unknown, unknown> = {
    endpoint,
    kind: declaration.kind ?? "unary",
    input: createSchemaMessage<Schema>(declaration.request, `${method}Request`, "input"),
    output: createSchemaMessage<Schema>(declaration.response, `${method}Response`, "output"),
    ...(declaration.description === undefined ? {} : { description: declaration.description }),
    ...(declaration.metadata === undefined ? {} : { metadata: declaration.metadata }),
  };
  // The declaration's type has settled that handler, kind and schemas belong together; the context is put in later.
  return { kind: spec.kind, spec, handle: declaration.handle } as unknown as MethodImplementation;
}

/** Services in plain JavaScript have no compiler that tells them. */
function checkDeclaration(endpoint: string, declaration: Readonly<Record<string, unknown>>): void {
  const { kind = "unary", request, response, handle } = declaration;
  const refuse = (what: string): never => {
    throw new MicroError("invalid_argument", `endpoint ${endpoint}: ${what}`);
  };
  if (!methodKinds.some((each) => each === kind)) refuse(`kind must be one of ${methodKinds.join(", ")}`);
  if (!isSchema(request)) refuse("request must be a schema, such as z.object({ … })");
  if (!isSchema(response)) refuse("response must be a schema, such as z.object({ … })");
  if (typeof handle !== "function") refuse("handle must be a function");
}

function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** `Say.Hello` as it is; `Call` of service `user-api` is `UserApi.Call`, which is where the gateway's paths lead. */
function toEndpointName(serviceName: string, name: string): string {
  const full = name.includes(".") ? name : `${toTypeName(serviceName)}.${name}`;
  if (/^[A-Za-z_]\w*\.[A-Za-z_]\w*$/.test(full)) return full;
  throw new MicroError("invalid_argument", `"${name}" is not an endpoint name: write "Type.Method", or "Method" alone`);
}

/** The type that a path without one means: the last part of a dotted name, each dashed word of it begun in upper case. */
export function toTypeName(serviceName: string): string {
  return serviceName
    .slice(serviceName.lastIndexOf(".") + 1)
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
