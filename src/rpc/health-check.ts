import { implement, type MessageType, type ServiceTable } from "./method.ts";
import type { ServerCall } from "./server-call.ts";
import { createServiceTable } from "./service-table.ts";

/** The service that every process answers about itself. */
export const healthServiceName = "grpc.health.v1";

/** Whether calls are wanted now. */
export interface Health {
  readonly isServing: boolean;
}

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

const answer: MessageType<Health> = {
  name: "HealthCheckResponse",
  value: {
    name: "HealthCheckResponse",
    type: "HealthCheckResponse",
    values: [{ name: "status", type: "string", values: [] }],
  },
  fromJson: () => ({ isServing: true }),
  toJson: (health) => ({ status: healthStatus(health) }),
  binary: {
    decode: () => ({ isServing: true }),
    // Field 1: SERVING is 1, NOT_SERVING is 2.
    encode: ({ isServing }) => Uint8Array.of(0x08, isServing ? 1 : 2),
  },
};

/** The name of the status in JSON. */
export function healthStatus({ isServing }: Health): string {
  return isServing ? "SERVING" : "NOT_SERVING";
}

/**
 * `/grpc.health.v1.Health/Check`, answered by `check`.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function createHealthCheckTable(check: (call: ServerCall) => Promise<Health>): ServiceTable {
  const answerCall = (_question: object, call: ServerCall): Promise<Health> => check(call);
  const method = implement({ endpoint: "Health.Check", kind: "unary", input: question, output: answer }, answerCall);
  return createServiceTable({ name: healthServiceName, version: "", methods: [method] });
}
