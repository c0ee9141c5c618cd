import { isRecord } from "#base/json.ts";
import { withFileLock } from "./file-lock.ts";
import { readOptionalFile, writePrivateFile } from "./private-file.ts";

/** Whose login it is, and at which server. */
export interface LoginKey {
  /** `host:port` that names the environment. */
  readonly address: string;
  readonly namespace: string;
  readonly account: string;
}

/** A login as it is kept. */
export interface Login {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. */
  readonly expiry: number;
}

/**
 * The `tokens` file: one line a login, `micro://<address>/<namespace>/<account>:<base64 of JSON>`, the form that Micro's
 * own command line reads.
 */
export class LoginFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(key: LoginKey): Login | undefined {
    const prefix = `${formatLoginKey(key)}:`;
    const line = this.#lines().find((each) => each.startsWith(prefix));
    return line === undefined ? undefined : parseLogin(line.slice(prefix.length));
  }

  /**
   * Holds the file for the length of `work`: refresh tokens are good for one use, so two commands must not use the same.
   */
  locked<T>(work: (file: LockedLoginFile) => Promise<T>): Promise<T> {
    return withFileLock(this.#path, () =>
      work({
        read: (key) => this.read(key),
        write: (key, login) => this.#replace(key, `${formatLoginKey(key)}:${formatLogin(login)}`),
        remove: (key) => this.#replace(key, undefined),
      }),
    );
  }

  #replace(key: LoginKey, line: string | undefined): void {
    const prefix = `${formatLoginKey(key)}:`;
    const others = this.#lines().filter((each) => !each.startsWith(prefix));
    const lines = line === undefined ? others : [...others, line];
    writePrivateFile(this.#path, lines.map((each) => `${each}\n`).join(""));
  }

  #lines(): string[] {
    return (readOptionalFile(this.#path) ?? "").split("\n").filter((line) => line !== "");
  }
}

/** The file while nobody else can write it. */
export interface LockedLoginFile {
  read(key: LoginKey): Login | undefined;
  write(key: LoginKey, login: Login): void;
  remove(key: LoginKey): void;
}

function formatLoginKey({ address, namespace, account }: LoginKey): string {
  return `micro://${address}/${namespace}/${account}`;
}

function formatLogin(login: Login): string {
  const json = {
    access_token: login.accessToken,
    refresh_token: login.refreshToken,
    created: login.created,
    expiry: login.expiry,
  };
  return Buffer.from(JSON.stringify(json)).toString("base64");
}

/** A line that cannot be read counts as no login: logging in again mends it. */
function parseLogin(encoded: string): Login | undefined {
  try {
    return readToken(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  } catch {
    return undefined;
  }
}

/** A token as the file and the auth service write it; 64-bit numbers may be text. Undefined when it is none. */
export function readToken(value: unknown): Login | undefined {
  if (!isRecord(value)) return undefined;
  const { access_token: accessToken, refresh_token: refreshToken } = value;
  if (typeof accessToken !== "string" || accessToken === "") return undefined;
  return {
    accessToken,
    refreshToken: typeof refreshToken === "string" ? refreshToken : "",
    created: toSeconds(value["created"]),
    expiry: toSeconds(value["expiry"]),
  };
}

/** Seconds since the epoch; Go writes times of its own type as text. */
function toSeconds(value: unknown): number {
  const plain = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : NaN;
  if (Number.isFinite(plain)) return plain;
  const parsed = typeof value === "string" ? Date.parse(value) / 1_000 : NaN;
  return Number.isFinite(parsed) ? Math.floor(parsed) : 0;
}
