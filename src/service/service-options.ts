import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { createLogger, type Logger } from "#base/logger.ts";
import type { Metadata } from "#base/metadata.ts";
import { requireName } from "#base/name.ts";
import { resolveEnvironment, type Environment, type Variables } from "./environment.ts";

export interface ServiceOptions {
  /** @default MICRO_SERVICE_VERSION, else `latest` */
  readonly version?: string;
  /** Tenant whose callers find it. @default MICRO_NAMESPACE, else `micro` */
  readonly namespace?: string;
  /** Published with the service. */
  readonly metadata?: Metadata;
  /**
   * Where to listen: `host:port` or `unix:/path`. MICRO_SERVICE_ADDRESS goes before it, because who starts several
   * instances decides where each listens.
   *
   * @default "127.0.0.1:0", a free port that only this machine reaches
   */
  readonly address?: string;
  /** How long calls in flight may take to end when the service stops, in milliseconds. @default limits.drainTimeoutMs */
  readonly drainTimeoutMs?: number;
  /** Time between two beats to the registry, in milliseconds. @default limits.registryHeartbeatMs */
  readonly heartbeatMs?: number;
  /**
   * Whether calls that reach the service directly are held against the access rules, as the network in front does with those
   * that come through it. A service without an identity cannot.
   *
   * @default true
   */
  readonly checksRules?: boolean;
  /** @default lines on standard error, of level MICRO_LOG_LEVEL */
  readonly logger?: Logger;
  /** Environment variables. @default process.env */
  readonly variables?: Variables;
}

/** The options, checked and complete. */
export interface ServiceConfig {
  readonly name: string;
  readonly version: string;
  readonly namespace: string;
  readonly metadata: Metadata;
  readonly address: string;
  readonly drainTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly checksRules: boolean;
  readonly logger: Logger;
  readonly environment: Environment;
}

/**
 * Checks and completes the options of a service: what the author states goes before the environment, except the address.
 *
 * @throws MicroError `invalid_argument` for a bad name, version, namespace or number, `unavailable` when there is no server.
 */
export function resolveServiceOptions(name: string, options: ServiceOptions): ServiceConfig {
  const environment = resolveEnvironment(options.variables ?? process.env);
  const { drainTimeoutMs = limits.drainTimeoutMs, heartbeatMs = limits.registryHeartbeatMs } = options;
  if (!(drainTimeoutMs >= 0)) throw new MicroError("invalid_argument", "drainTimeoutMs must be 0 or more");
  if (!(heartbeatMs > 0 && heartbeatMs < limits.registryTtlMs)) {
    throw new MicroError("invalid_argument", `heartbeatMs must be above 0 and below ${limits.registryTtlMs}`);
  }
  return Object.freeze({
    name: requireName("service", name),
    version: requireName("version", options.version ?? environment.version ?? "latest"),
    namespace: requireName("namespace", options.namespace ?? environment.namespace),
    metadata: { ...options.metadata },
    address: environment.address ?? options.address ?? "127.0.0.1:0",
    drainTimeoutMs,
    heartbeatMs,
    checksRules: options.checksRules ?? true,
    logger: options.logger ?? createStandardLogger(environment),
    environment,
  });
}

function createStandardLogger({ logLevel }: Environment): Logger {
  return createLogger({ level: logLevel, write: (line) => void process.stderr.write(`${line}\n`) });
}
