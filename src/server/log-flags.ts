import { parseByteSize } from "#base/byte-size.ts";
import { parseDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { limits, MiB } from "#base/limits.ts";
import type { LogRetention } from "#core/runtime/log-file.ts";

/** What a user may say of the logs of services; every field has a flag and an environment variable. */
export interface RawLogOptions {
  /** What is kept of one service's log, such as `100MiB`. `MICRO_LOG_SIZE`. @default limits.logBytesMax */
  readonly logSize?: string;
  /** How long lines are kept, such as `30d`. `MICRO_LOG_AGE`. @default limits.logAgeMaxMs */
  readonly logAge?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Below this a log holds next to nothing. */
const bytesMin = MiB;
const ageMinMs = 60_000;

/** Flags first, then the environment, then defaults. @throws MicroError `invalid_argument` that names the flag. */
export function resolveLogFlags(options: RawLogOptions, env: Environment): Required<LogRetention> {
  const size = options.logSize ?? env["MICRO_LOG_SIZE"] ?? "";
  const age = options.logAge ?? env["MICRO_LOG_AGE"] ?? "";
  const bytesMax = size === "" ? limits.logBytesMax : read("--log-size", size, parseByteSize);
  const ageMaxMs = age === "" ? limits.logAgeMaxMs : read("--log-age", age, parseDuration);
  if (bytesMax < bytesMin) throw new MicroError("invalid_argument", `--log-size "${size}" is too small; 1MiB at least`);
  if (ageMaxMs < ageMinMs) throw new MicroError("invalid_argument", `--log-age "${age}" is too short; 1m at least`);
  return { bytesMax, ageMaxMs };
}

function read(flag: string, text: string, parse: (text: string) => number): number {
  try {
    return parse(text);
  } catch (cause) {
    throw new MicroError("invalid_argument", `${flag} ${MicroError.from(cause).detail}`, { cause });
  }
}
