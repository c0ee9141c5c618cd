import { readFileSync } from "node:fs";
import { MicroError } from "#base/error.ts";
import { parseServerFile, resolveHome, type ServerFile } from "#base/home.ts";
import { isRecord } from "#base/json.ts";
import { parseLogLevel, type LogLevel } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import { defaultNamespace } from "#interface/auth.ts";

/** Variables of a process. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** An account's id and its secret. */
export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Where a process runs and as whom: set by the runtime, or found on the machine of a local server. */
export interface Environment {
  /** `host:port` of the network, where calls to other services go; a local server may have another after a restart. */
  readonly network: () => string;
  /** True when it was found in the home folder of a local server: then that server should be up right now. */
  readonly isLocalServer: boolean;
  readonly namespace: string;
  /** Address to listen on, when the runtime gave one. */
  readonly address: string | undefined;
  readonly version: string | undefined;
  readonly logLevel: LogLevel;
  /**
   * The credentials as they are now. Those of the local server are for that server alone: they are never given to a
   * network that somebody named.
   */
  readonly credentials: () => Credentials | undefined;
  /** Base64 of the PEM public key that verifies tokens, as it is now. */
  readonly publicKey: () => string | undefined;
}

/** What a person who starts a service without a server is told. */
export const noServerDetail = 'no micro server found: start one with "micro server", or set MICRO_SERVICE_NETWORK';

/**
 * Reads the environment of a service: MICRO_SERVICE_NETWORK, MICRO_NAMESPACE, MICRO_SERVICE_ADDRESS,
 * MICRO_SERVICE_VERSION, MICRO_CLIENT_ID, MICRO_CLIENT_SECRET, MICRO_PUBLIC_KEY, MICRO_LOG_LEVEL; what is missing comes
 * from the files of the local server under MICRO_HOME.
 *
 * @throws MicroError `unavailable` when there is no server, `invalid_argument` for a bad value.
 */
export function resolveEnvironment(variables: Variables): Environment {
  const paths = resolveHome(variables);
  const server = rereadable(() => readServerFile(paths.serverFile));
  const given = nonEmpty(variables["MICRO_SERVICE_NETWORK"]);
  const found = given ?? server()?.network;
  if (found === undefined) throw new MicroError("unavailable", noServerDetail, { neverSent: true });
  const id = nonEmpty(variables["MICRO_CLIENT_ID"]);
  const secret = nonEmpty(variables["MICRO_CLIENT_SECRET"]);
  const stated = id === undefined || secret === undefined ? undefined : { id, secret };
  const publicKey = nonEmpty(variables["MICRO_PUBLIC_KEY"]);
  const network = (): string => given ?? server()?.network ?? found;
  const isLocalServer = (): boolean => server()?.network === network();
  return {
    network,
    isLocalServer: given === undefined,
    namespace: requireName("namespace", nonEmpty(variables["MICRO_NAMESPACE"]) ?? defaultNamespace),
    address: nonEmpty(variables["MICRO_SERVICE_ADDRESS"]),
    version: nonEmpty(variables["MICRO_SERVICE_VERSION"]),
    logLevel: parseLogLevel(nonEmpty(variables["MICRO_LOG_LEVEL"]) ?? "info"),
    credentials: () => stated ?? (isLocalServer() ? readCredentials(paths.serviceCredentialsFile) : undefined),
    publicKey: () => publicKey ?? (isLocalServer() ? server()?.publicKey : undefined),
  };
}

/** How long what a file said is taken for true, in milliseconds: callers may ask on every request. */
const fileFreshMs = 1_000;

function rereadable<T>(read: () => T): () => T {
  let last: { readonly value: T; readonly atMs: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs - last.atMs >= fileFreshMs) last = { value: read(), atMs: nowMs };
    return last.value;
  };
}

/** An empty variable counts as not set, as shells and service managers write it. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function readServerFile(path: string): ServerFile | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseServerFile(text);
}

function readCredentials(path: string): Credentials | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || typeof value["id"] !== "string" || typeof value["secret"] !== "string") return undefined;
    return { id: value["id"], secret: value["secret"] };
  } catch {
    return undefined;
  }
}

/** The files are written by another process: absent, unreadable and half gone are all "not there". */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
