import { MicroError } from "#base/error.ts";
import { resolveHome, type HomePaths } from "#base/home.ts";
import { limits } from "#base/limits.ts";
import { parseLogLevel, type LogLevel } from "#base/logger.ts";
import type { LogRetention } from "#core/runtime/log-file.ts";
import type { GatewayOptions } from "#gateway/gateway.ts";
import type { CorePort } from "./core-port.ts";
import { resolveLogFlags, type RawLogOptions } from "./log-flags.ts";
import { resolveGatewayFlags, type RawGatewayOptions } from "./gateway-flags.ts";

/** What a user may say to `micro server`; every field has a flag and an environment variable. */
export interface RawServerOptions extends RawGatewayOptions, RawLogOptions {
  /** HTTP API gateway. `MICRO_GATEWAY_ADDRESS`. @default "127.0.0.1:8080" */
  readonly gatewayAddress?: string;
  /** gRPC identity proxy, where command lines and clients connect. `MICRO_PROXY_ADDRESS`. @default "127.0.0.1:8081" */
  readonly proxyAddress?: string;
  /** Service network, where services connect. `MICRO_NETWORK_ADDRESS`. @default "127.0.0.1:8443" */
  readonly networkAddress?: string;
  /**
   * Where Micro's clients look for the registry. `MICRO_REGISTRY_ADDRESS`; `off`: nowhere.
   * @default "127.0.0.1:8000" – unless another program has it
   */
  readonly registryAddress?: string;
  /** Where they publish. `MICRO_BROKER_ADDRESS`; `off`: nowhere. @default "127.0.0.1:8003" – unless another program has it */
  readonly brokerAddress?: string;
  /**
   * `true`: a stop leaves services running, and the next start takes them over. `MICRO_KEEP_SERVICES`.
   * @default "false" – who stops a server usually wants nothing left behind
   */
  readonly keepServices?: string;
  /** Further processes that share the ports. `MICRO_WORKERS`. @default "0" */
  readonly workers?: string;
  /** `trace` … `error`. `MICRO_LOG_LEVEL`. @default "info" */
  readonly logLevel?: string;
}

/** The same, checked and complete. */
export interface ServerConfig {
  readonly paths: HomePaths;
  readonly gatewayAddress: string;
  readonly proxyAddress: string;
  readonly networkAddress: string;
  /** Absent: switched off. */
  readonly registryPort: CorePort | undefined;
  readonly brokerPort: CorePort | undefined;
  readonly keepsServices: boolean;
  readonly workerCount: number;
  readonly logLevel: LogLevel;
  /** What the administrator's secret is to be at the first start; absent: one is generated. */
  readonly adminSecret: string | undefined;
  /** What is kept of the log of a service. */
  readonly logRetention: Required<LogRetention>;
  readonly gateway: GatewayOptions;
  /** Absent: the gateway speaks plain HTTP. */
  readonly tlsFiles: TlsFiles | undefined;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Flags first, then the environment, then defaults: loopback and Micro's ports, so that nobody outside this machine
 * reaches a server that was not told to let them.
 *
 * @throws MicroError `invalid_argument` for what cannot be what its flag asks for.
 */
export function resolveServerOptions(options: RawServerOptions, env: Environment): ServerConfig {
  const gateway = options.gatewayAddress ?? env["MICRO_GATEWAY_ADDRESS"] ?? "8080";
  const proxy = options.proxyAddress ?? env["MICRO_PROXY_ADDRESS"] ?? "8081";
  const network = options.networkAddress ?? env["MICRO_NETWORK_ADDRESS"] ?? "8443";
  return Object.freeze({
    paths: resolveHome(env),
    gatewayAddress: parseListenAddress(gateway, "--gateway-address"),
    proxyAddress: parseListenAddress(proxy, "--proxy-address"),
    networkAddress: parseListenAddress(network, "--network-address"),
    registryPort: resolveCorePort(
      options.registryAddress ?? env["MICRO_REGISTRY_ADDRESS"],
      "--registry-address",
      "8000",
    ),
    brokerPort: resolveCorePort(options.brokerAddress ?? env["MICRO_BROKER_ADDRESS"], "--broker-address", "8003"),
    keepsServices: parseSwitch(options.keepServices ?? env["MICRO_KEEP_SERVICES"] ?? "", "--keep-services"),
    workerCount: parseWorkerCount(options.workers ?? env["MICRO_WORKERS"] ?? "0"),
    logLevel: parseLogLevel(options.logLevel ?? env["MICRO_LOG_LEVEL"] ?? "info"),
    adminSecret: env["MICRO_ADMIN_SECRET"] === "" ? undefined : env["MICRO_ADMIN_SECRET"],
    logRetention: resolveLogFlags(options, env),
    gateway: resolveGatewayFlags(options, env),
    tlsFiles: resolveTlsFiles(options.tlsCert ?? env["MICRO_TLS_CERT"], options.tlsKey ?? env["MICRO_TLS_KEY"]),
  });
}

/** @throws MicroError `invalid_argument` for what is neither yes nor no. */
function parseSwitch(text: string, flag: string): boolean {
  if (["true", "1"].includes(text)) return true;
  if (["", "false", "0"].includes(text)) return false;
  throw new MicroError("invalid_argument", `${flag} "${text}" is neither true nor false`);
}

/** @throws MicroError `invalid_argument` for what is not a number of processes. */
function parseWorkerCount(text: string): number {
  const count = /^\d{1,4}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (count <= limits.workerCountMax) return count;
  const detail = `--workers "${text}" is not a number of processes; write 0 to ${limits.workerCountMax}`;
  throw new MicroError("invalid_argument", detail);
}

/** @throws MicroError `invalid_argument` when one of the two is missing. */
function resolveTlsFiles(cert: string | undefined, key: string | undefined): TlsFiles | undefined {
  const isGiven = (text: string | undefined): text is string => text !== undefined && text !== "";
  if (isGiven(cert) && isGiven(key)) return { cert, key };
  if (!isGiven(cert) && !isGiven(key)) return undefined;
  const [given, missing] = isGiven(cert) ? ["--tls-cert", "--tls-key"] : ["--tls-key", "--tls-cert"];
  throw new MicroError(
    "invalid_argument",
    `${given} needs ${missing} beside it; HTTPS takes a certificate and its key`,
  );
}

/** @throws MicroError `invalid_argument` for what is neither `off` nor an address. */
function resolveCorePort(text: string | undefined, flag: string, byDefault: string): CorePort | undefined {
  if (text === "off") return undefined;
  return { flag, address: parseListenAddress(text ?? byDefault, flag), isAskedFor: text !== undefined };
}

/**
 * `HOST:PORT`, `[::1]:PORT`, `:PORT` or `PORT` as `host:port`. Without a host it is loopback: every interface has to be
 * asked for by name (`0.0.0.0:8080`).
 *
 * @throws MicroError `invalid_argument` that names `flag`.
 */
export function parseListenAddress(text: string, flag: string): string {
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new MicroError(
      "invalid_argument",
      `${flag} "${text}" is not an address; write HOST:PORT or PORT, such as 127.0.0.1:8080`,
    );
  }
  const host = match[1] === undefined || match[1] === "" ? "127.0.0.1" : match[1];
  return `${host}:${port}`;
}
