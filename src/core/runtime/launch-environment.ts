import { MicroError } from "#base/error.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import { instanceVariable } from "./stray-processes.ts";

/** Names that say who a service is: nobody but the runtime sets them. */
const identityNames: ReadonlySet<string> = new Set([
  "MICRO_SERVICE_NAME",
  "MICRO_SERVICE_VERSION",
  instanceVariable,
  "MICRO_NAMESPACE",
  "MICRO_CLIENT_ID",
  "MICRO_CLIENT_SECRET",
  "MICRO_PUBLIC_KEY",
]);

/** What a service gets of the server's own environment. */
const inheritedNames = ["PATH", "LANG", "LC_ALL", "TZ"] as const;

export interface LaunchEnvironmentOptions {
  readonly key: ServiceKey;
  /** Id of the process among those of its service. */
  readonly instance: string;
  readonly credential: { readonly id: string; readonly secret: string };
  /** `host:port` of the network. */
  readonly networkAddress: string;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
  /** Where it should listen; absent for programs that choose that themselves. */
  readonly address?: string;
  /** Where a service that knows nothing of Micro should listen. */
  readonly port: number;
  /** Its home and its folder for temporary files. */
  readonly workFolder: string;
  readonly runnerEnv: Readonly<Record<string, string>>;
  /** What users say. @see parseUserEnv */
  readonly userEnv: Readonly<Record<string, string>>;
  /** The server's own environment. */
  readonly serverEnv: Readonly<Record<string, string | undefined>>;
}

/**
 * The whole environment of a service: where it is and who it is, a few harmless variables of the machine, and what the
 * user set. Nothing else of the server's environment reaches it.
 */
export function createLaunchEnvironment(options: LaunchEnvironmentOptions): Readonly<Record<string, string>> {
  const { key, credential, address, workFolder } = options;
  const inherited = inheritedNames.flatMap((name) => {
    const value = options.serverEnv[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    HOME: workFolder,
    TMPDIR: `${workFolder}/tmp`,
    MICRO_SERVICE_NETWORK: options.networkAddress,
    MICRO_SERVICE_PROFILE: "client",
    ...(address === undefined ? {} : { MICRO_SERVICE_ADDRESS: address }),
    // Nobody else on the network is to reach it but through the server.
    HOST: "127.0.0.1",
    PORT: String(options.port),
    ...options.userEnv,
    ...options.runnerEnv,
    MICRO_SERVICE_NAME: key.name,
    MICRO_SERVICE_VERSION: key.version,
    [instanceVariable]: options.instance,
    MICRO_NAMESPACE: key.namespace,
    MICRO_CLIENT_ID: credential.id,
    MICRO_CLIENT_SECRET: credential.secret,
    MICRO_PUBLIC_KEY: options.publicKey,
  };
}

/** `NAME=value` pairs as an object. @throws MicroError `invalid_argument` for another form, or a name that is not the user's. */
export function parseUserEnv(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(parsePair));
}

function parsePair(pair: string): readonly [string, string] {
  const [, name = "", value = ""] = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/s.exec(pair) ?? [];
  if (name === "") {
    // Only what stands before the "=" is shown: the rest may be a secret.
    const shown = pair.split("=", 1)[0]?.slice(0, 40) ?? "";
    throw new MicroError("invalid_argument", `environment variable "${shown}" must be written NAME=value`);
  }
  if (identityNames.has(name)) throw new MicroError("invalid_argument", `${name} is set by the runtime`);
  return [name, value];
}
