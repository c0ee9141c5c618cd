import type { JsonObject } from "#base/json.ts";
import type { Endpoint, ServiceEntry } from "#interface/registry.ts";
import { formatPath } from "./format-path.ts";
import { toJsonSchema } from "./json-schema.ts";
import { ndjsonType } from "./ndjson-response.ts";
import { sseType } from "./sse-response.ts";

/** Where the gateway describes itself. */
export const openApiPath = "/openapi.json";

const errorSchema: JsonObject = {
  type: "object",
  properties: {
    id: { type: "string", description: "who says so" },
    code: { type: "integer", description: "HTTP status" },
    detail: { type: "string", description: "one sentence for a person" },
    status: { type: "string" },
  },
};

/**
 * OpenAPI 3.1 of what these services answer over HTTP: one path an endpoint, with POST. Endpoints that take many messages
 * are left out, since a WebSocket carries them. Where versions differ, the first that has an endpoint describes it.
 *
 * https://spec.openapis.org/oas/v3.1.0
 *
 * @param version of the server
 */
export function toOpenApi(services: readonly ServiceEntry[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const { name, endpoints } of services) {
    for (const endpoint of endpoints) {
      const path = takesMany(endpoint) ? undefined : formatPath(name, endpoint.name);
      if (path !== undefined) paths[path] ??= { post: toOperation(name, endpoint) };
    }
  }
  return {
    openapi: "3.1.0",
    info: { title: "Services behind this gateway", version },
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
    // With a token or without one: what an endpoint asks for is up to the rules.
    security: [{ token: [] }, {}],
    tags: [...new Set(services.map(({ name }) => name))].map((name) => ({ name })),
  };
}

function takesMany({ metadata }: Endpoint): boolean {
  return metadata["kind"] === "client_stream" || metadata["kind"] === "bidi_stream";
}

function toOperation(service: string, { name, request, response, metadata }: Endpoint): JsonObject {
  const { description } = metadata;
  const schema = toJsonSchema(response);
  const isStream = metadata["stream"] === "true";
  const content: JsonObject = isStream
    ? { [ndjsonType]: { schema }, [sseType]: { schema } }
    : { "application/json": { schema } };
  const failure = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return {
    operationId: `${service}.${name}`,
    tags: [service],
    ...(description === undefined ? {} : { summary: description }),
    requestBody: { content: { "application/json": { schema: toJsonSchema(request) } } },
    responses: {
      200: { description: isStream ? "one message after the other" : "the answer", content },
      default: { description: "what went wrong", content: failure },
    },
  };
}
