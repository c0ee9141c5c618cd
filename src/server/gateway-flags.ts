import { MicroError } from "#base/error.ts";
import { accessLogModes, type AccessLogMode } from "#gateway/access-log.ts";
import type { AdmissionOptions } from "#gateway/admission.ts";
import { parseCorsOrigins } from "#gateway/cors.ts";
import type { GatewayOptions } from "#gateway/gateway.ts";
import type { Rate } from "#gateway/token-buckets.ts";

/** What a user may say of the gateway; every field has a flag and an environment variable. */
export interface RawGatewayOptions {
  /** `off`, `errors` or `all`. `MICRO_ACCESS_LOG`. @default "errors" */
  readonly accessLog?: string;
  /** `*`, or origins with commas between them, or both. `MICRO_CORS_ORIGINS`. @default "*" */
  readonly corsOrigins?: string;
  /** `100/s`, `600/m` or `5000/h`. `MICRO_RATE_LIMIT_ACCOUNT`. @default no limit */
  readonly rateLimitAccount?: string;
  /** The same of one address. `MICRO_RATE_LIMIT_ADDRESS`. @default no limit */
  readonly rateLimitAddress?: string;
  /** Requests of one address at the same time. `MICRO_MAX_REQUESTS_ADDRESS`. @default no limit */
  readonly maxRequestsAddress?: string;
  /** PEM file with the certificate of the gateway. `MICRO_TLS_CERT`. @default plain HTTP */
  readonly tlsCert?: string;
  /** PEM file with its key. `MICRO_TLS_KEY`. */
  readonly tlsKey?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };
const rateCountMax = 1_000_000;

/** Flags first, then the environment, then defaults. @throws MicroError `invalid_argument` that names the flag. */
export function resolveGatewayFlags(options: RawGatewayOptions, env: Environment): GatewayOptions {
  return Object.freeze({
    accessLog: parseAccessLog(options.accessLog ?? env["MICRO_ACCESS_LOG"] ?? "errors"),
    cors: parseCorsOrigins(options.corsOrigins ?? env["MICRO_CORS_ORIGINS"] ?? "*", "--cors-origins"),
    admission: resolveAdmission(options, env),
  });
}

/**
 * A rate as a user writes it: so many in a second, a minute or an hour, all of which may come at once.
 *
 * @throws MicroError `invalid_argument` that names `flag`.
 */
export function parseRate(text: string, flag: string): Rate {
  const [, digits, unit = ""] = /^(\d{1,7})\/([smh])$/.exec(text.trim()) ?? [];
  const count = Number(digits);
  const seconds = secondsOf[unit];
  if (seconds !== undefined && count >= 1 && count <= rateCountMax) return { perSecond: count / seconds, burst: count };
  throw new MicroError(
    "invalid_argument",
    `${flag} "${text}" is not a rate; write 100/s, 600/m or 5000/h, with 1 to ${rateCountMax} requests`,
  );
}

function resolveAdmission(options: RawGatewayOptions, env: Environment): AdmissionOptions {
  const account = options.rateLimitAccount ?? env["MICRO_RATE_LIMIT_ACCOUNT"] ?? "";
  const address = options.rateLimitAddress ?? env["MICRO_RATE_LIMIT_ADDRESS"] ?? "";
  const concurrency = options.maxRequestsAddress ?? env["MICRO_MAX_REQUESTS_ADDRESS"] ?? "";
  return {
    ...(account === "" ? {} : { accountRate: parseRate(account, "--rate-limit-account") }),
    ...(address === "" ? {} : { addressRate: parseRate(address, "--rate-limit-address") }),
    ...(concurrency === "" ? {} : { addressConcurrencyMax: parseCount(concurrency, "--max-requests-address") }),
  };
}

function parseAccessLog(text: string): AccessLogMode {
  const mode = accessLogModes.find((each) => each === text);
  if (mode !== undefined) return mode;
  const detail = `--access-log "${text}" is not a choice; use ${accessLogModes.join(", ")}`;
  throw new MicroError("invalid_argument", detail);
}

function parseCount(text: string, flag: string): number {
  if (/^[1-9]\d{0,6}$/.test(text.trim())) return Number(text);
  throw new MicroError("invalid_argument", `${flag} "${text}" is not a number of requests, 1 or more`);
}
