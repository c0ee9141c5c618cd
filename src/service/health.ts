import type { HttpHandler } from "#rpc/http-exchange.ts";
import { implement, type MessageType, type ServiceTable } from "#rpc/method.ts";
import { createServiceTable } from "#rpc/service-table.ts";

/** The service that every process answers about itself. */
export const healthServiceName = "grpc.health.v1";

/** SERVING of grpc.health.v1: field 1, value 1. */
const servingBytes = Uint8Array.of(0x08, 0x01);

/** The question names a service; a process of ours has one answer for all of them. */
const question: MessageType<object> = {
  name: "HealthCheckRequest",
  value: {
    name: "HealthCheckRequest",
    type: "HealthCheckRequest",
    values: [{ name: "service", type: "string", values: [] }],
  },
  fromJson: () => ({}),
  toJson: () => ({}),
  binary: { decode: () => ({}), encode: () => new Uint8Array() },
};

const answer: MessageType<object> = {
  name: "HealthCheckResponse",
  value: {
    name: "HealthCheckResponse",
    type: "HealthCheckResponse",
    values: [{ name: "status", type: "string", values: [] }],
  },
  fromJson: () => ({}),
  toJson: () => ({ status: "SERVING" }),
  binary: { decode: () => ({}), encode: () => servingBytes },
};

/**
 * Answers `/grpc.health.v1.Health/Check`: a process that answers at all is up, and one that stops refuses connections.
 * It is not published, because it belongs to the process and not to the service.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function createHealthTable(): ServiceTable {
  return createServiceTable({
    name: healthServiceName,
    version: "",
    methods: [implement({ endpoint: "Health.Check", kind: "unary", input: question, output: answer }, () => ({}))],
  });
}

/** Answers `GET /health`; every other path that is no call is not found. */
export const answerHealth: HttpHandler = ({ target, method }) => {
  const isHealth = (target === "/health" || target.startsWith("/health?")) && (method === "GET" || method === "HEAD");
  const [status, text] = isHealth ? [200, '{"status":"SERVING"}'] : [404, notFoundBody];
  return { status, headers: { "content-type": "application/json" }, body: new TextEncoder().encode(text) };
};

const notFoundBody = JSON.stringify({
  id: "",
  code: 404,
  detail: "no such path; calls go to /service.Type/Method with POST",
  status: "Not Found",
});
