import { MicroError } from "#base/error.ts";
import { delay } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { createHealthCheckTable, type Health } from "#rpc/health-check.ts";
import type { ServiceTable } from "#rpc/method.ts";
import type { HealthManifest } from "./service-manifest.ts";
import { acceptsConnections } from "./service-port.ts";

/** Longer than anybody waits for the answer, in milliseconds. */
const silenceMs = 5_000;

export interface PlainHealthTarget {
  readonly http: HttpClient;
  readonly port: number;
  readonly health?: HealthManifest;
}

/**
 * Answers `grpc.health.v1.Health/Check` for a service that has no such thing: by its health path where `micro.json` names one,
 * else by whether it accepts connections. Who does not answer is not answered for: it hangs.
 */
export function plainHealthTable(target: PlainHealthTarget): ServiceTable {
  return createHealthCheckTable(async ({ signal }) => {
    const health = await askPlain(target);
    if (health !== undefined) return health;
    await delay(silenceMs, signal);
    throw new MicroError("unavailable", "the service does not answer");
  });
}

/** Undefined for silence. */
async function askPlain({ http, port, health = {} }: PlainHealthTarget): Promise<Health | undefined> {
  if (health.path === undefined) return (await acceptsConnections(port)) ? { isServing: true } : undefined;
  const signal = AbortSignal.timeout(health.timeoutMs ?? limits.healthAnswerMsMax);
  const send = { method: "GET", path: health.path, headers: {}, body: new Uint8Array(), signal };
  try {
    return { isServing: (await http.post(`127.0.0.1:${port}`, send)).status < 400 };
  } catch {
    return undefined;
  }
}
