import type { ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import type { LogLevel } from "#base/logger.ts";
import type { Metadata } from "#base/metadata.ts";
import type { EndedTokens } from "#core/auth/token-cutoffs.ts";
import type { GatewayOptions } from "#gateway/gateway.ts";
import type { GatewayTls } from "#gateway/listen-gateway.ts";
import type { Rule } from "#interface/auth.ts";
import type { RegistryEvent } from "#interface/registry.ts";

/** The rules of one namespace. */
export interface NamespaceRules {
  readonly namespace: string;
  readonly rules: readonly Rule[];
}

/** What a worker needs to begin: where it listens, and the state of the server as it is now. */
export interface WorkerStart {
  /** `host:port` of each edge that it shares; `rpc` are proxy, network and the further ports of core services. */
  readonly gatewayAddress: string;
  readonly rpcAddresses: readonly string[];
  readonly tls: GatewayTls | undefined;
  readonly gatewayOptions: GatewayOptions;
  readonly logLevel: LogLevel;
  readonly version: string;
  /** `unix:/path`, where the main process answers for core services. */
  readonly mainAddress: string;
  /** `/path` of the socket where it answers for public blobs. */
  readonly blobSocket: string;
  /** Services that only the main process answers for. */
  readonly coreNames: readonly string[];
  /** Base64 of the PEM key that verifies tokens. */
  readonly publicKey: string;
}

/** A call as far as its caller's right depends on it. */
export interface JudgedCall {
  readonly path: string;
  readonly service: string;
  readonly endpoint: string;
  /** Headers that say who calls and where. */
  readonly metadata: Metadata;
  readonly peer: string;
}

/** A failure on its way between processes. */
export interface SentError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly at: string;
  readonly httpStatus: number;
}

/** State of the server that workers follow. Messages come in the order of the changes. */
export type StateMessage =
  | { readonly kind: "registry"; readonly event: RegistryEvent }
  | { readonly kind: "rules"; readonly sets: readonly NamespaceRules[] }
  | { readonly kind: "ended"; readonly tokens: readonly EndedTokens[] }
  | { readonly kind: "readiness"; readonly reasons: readonly string[] };

/** What the main process tells a worker. */
export type ToWorker =
  | StateMessage
  | { readonly kind: "start"; readonly start: WorkerStart }
  /** The verdict on a call; without `refusal` it may pass. What changed before it was told before it. */
  | { readonly kind: "verdict"; readonly id: number; readonly refusal?: SentError }
  | { readonly kind: "ping" }
  /** How many calls to these addresses are under way; `calls` answers. */
  | { readonly kind: "calls"; readonly id: number; readonly addresses: readonly string[] }
  /** The gateway lets its requests end; `drained` answers. */
  | { readonly kind: "drain" }
  /** Everything else too; the process ends. */
  | { readonly kind: "stop" };

/** What a worker tells the main process. */
export type FromWorker =
  /** It has loaded, and waits for `start`. */
  | { readonly kind: "loaded" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly error: SentError }
  | { readonly kind: "judge"; readonly id: number; readonly call: JudgedCall }
  | { readonly kind: "pong" }
  | { readonly kind: "calls"; readonly id: number; readonly count: number }
  | { readonly kind: "drained" };

export function toSentError({ code, detail, id, httpStatus }: MicroError): SentError {
  return { code, detail, at: id, httpStatus };
}

export function fromSentError({ code, detail, at, httpStatus }: SentError): MicroError {
  return new MicroError(code, detail, { at, httpStatus });
}
