/**
 * Where things lie under MICRO_HOME. Paths only; nothing is touched here.
 */
export interface HomePaths {
  readonly home: string;
  /** Settings of the command line: environments, current user. */
  readonly configFile: string;
  /** Logins of the command line, one a line. */
  readonly tokensFile: string;
  /** Addresses of the running server; exists while it runs. */
  readonly serverFile: string;
  /** Credential that lets a service started by hand join the server of this machine. */
  readonly serviceCredentialsFile: string;
  /** RSA key pair that signs tokens. */
  readonly privateKeyFile: string;
  readonly publicKeyFile: string;
  readonly lockFile: string;
  /** Sockets where the main process answers its workers: calls of core services, and public blobs. */
  readonly workerSocket: string;
  readonly workerBlobSocket: string;
  readonly storeFolder: string;
  readonly eventsFolder: string;
  readonly blobFolder: string;
  /** Key of the secrets in config. */
  readonly configKeyFile: string;
  readonly runtimeFolder: string;
  /** Copies that a backup is made of; exists while one is made. */
  readonly backupFolder: string;
  readonly logsFolder: string;
  /** What the server itself logs; no namespace is called so. */
  readonly serverLogsFolder: string;
}

/** The layout for an environment: MICRO_HOME, or `.micro` in the user's home folder. */
export function resolveHome(env: Readonly<Record<string, string | undefined>>): HomePaths {
  const home = env["MICRO_HOME"] ?? `${env["HOME"] ?? env["USERPROFILE"] ?? "."}/.micro`;
  return {
    home,
    configFile: `${home}/config.json`,
    tokensFile: `${home}/tokens`,
    serverFile: `${home}/server.json`,
    serviceCredentialsFile: `${home}/service-credentials.json`,
    privateKeyFile: `${home}/id_rsa`,
    publicKeyFile: `${home}/id_rsa.pub`,
    lockFile: `${home}/server.lock`,
    workerSocket: `${home}/worker.sock`,
    workerBlobSocket: `${home}/blobs.sock`,
    storeFolder: `${home}/store`,
    eventsFolder: `${home}/events`,
    blobFolder: `${home}/blobs`,
    configKeyFile: `${home}/config_secret_key`,
    runtimeFolder: `${home}/runtime`,
    backupFolder: `${home}/backup-work`,
    logsFolder: `${home}/logs`,
    serverLogsFolder: `${home}/logs/.server`,
  };
}

/** `host:port` of each listener of a server. */
export interface ServerAddresses {
  readonly gateway: string;
  readonly proxy: string;
  readonly network: string;
  /** Core services on Micro's ports of registry and broker; absent where those are not served. */
  readonly registry?: string;
  readonly broker?: string;
}

/** What `server.json` says of a running server. */
export interface ServerFile extends ServerAddresses {
  readonly pid: number;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Further processes that share the ports. @default 0 */
  readonly workers?: number;
  /** Base64 of the PEM public key that verifies tokens. */
  readonly publicKey: string;
}

/** Parses `server.json`; undefined when it is not one. */
export function parseServerFile(text: string): ServerFile | undefined {
  try {
    const value = JSON.parse(text) as Partial<ServerFile> | null;
    const addresses = [value?.gateway, value?.proxy, value?.network, value?.version, value?.publicKey];
    if (typeof value?.pid !== "number" || addresses.some((each) => typeof each !== "string")) return undefined;
    return value as ServerFile;
  } catch {
    return undefined;
  }
}
