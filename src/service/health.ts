import { delay } from "#base/lifecycle.ts";
import type { HttpHandler } from "#rpc/http-exchange.ts";
import { createHealthCheckTable, healthStatus, type Health } from "#rpc/health-check.ts";
import type { ServiceTable } from "#rpc/method.ts";

/** Whether a service can take calls now. One that throws, or takes longer than a second, says no. */
export type ReadyCheck = () => boolean | Promise<boolean>;

/** A check that hangs must not look like a service that hangs, in milliseconds. */
const checkTimeoutMs = 1_000;

/**
 * Answers `/grpc.health.v1.Health/Check`: a process that answers at all is up, one that says `NOT_SERVING` wants no calls
 * for now, and one that stops refuses connections. It is not published, because it belongs to the process and not to the
 * service.
 *
 * @param checks all of them have to say yes.
 */
export function createHealthTable(checks: readonly ReadyCheck[]): ServiceTable {
  return createHealthCheckTable(() => askAll(checks));
}

/** Answers `GET /health`, with 503 while the service is not ready; every other path that is no call is not found. */
export function createHealthAnswer(checks: readonly ReadyCheck[]): HttpHandler {
  return async ({ target, method }) => {
    const isHealth = (target === "/health" || target.startsWith("/health?")) && (method === "GET" || method === "HEAD");
    if (!isHealth) return toAnswer(404, notFoundBody);
    const health = await askAll(checks);
    return toAnswer(health.isServing ? 200 : 503, JSON.stringify({ status: healthStatus(health) }));
  };
}

async function askAll(checks: readonly ReadyCheck[]): Promise<Health> {
  if (checks.length === 0) return { isServing: true };
  const asked = new AbortController();
  try {
    const all = Promise.all(checks.map(async (check) => check()));
    const answers = await Promise.race([all, delay(checkTimeoutMs, asked.signal).then(() => [false])]);
    return { isServing: answers.every((each) => each) };
  } catch {
    return { isServing: false };
  } finally {
    asked.abort();
  }
}

function toAnswer(status: number, text: string): { status: number; headers: Record<string, string>; body: Uint8Array } {
  return { status, headers: { "content-type": "application/json" }, body: new TextEncoder().encode(text) };
}

const notFoundBody = JSON.stringify({
  id: "",
  code: 404,
  detail: "no such path; calls go to /service.Type/Method with POST",
  status: "Not Found",
});
