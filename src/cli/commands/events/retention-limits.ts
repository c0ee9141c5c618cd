import { CommandError } from "#cli/command-error.ts";
import type { FlagValues } from "#cli/arguments/flag-values.ts";
import { formatSize } from "#cli/output/format-bytes.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { parseByteSize } from "#base/byte-size.ts";
import { formatDuration } from "#base/duration.ts";

/** How long a topic keeps events; 0 is no limit. */
export interface RetentionLimits {
  readonly age_ms: number;
  readonly bytes: number;
  readonly count: number;
}

export function readRetention(value: unknown): RetentionLimits {
  const fields = fieldsOf(value);
  return {
    age_ms: numberOf(fields["age_ms"]),
    bytes: numberOf(fields["bytes"]),
    count: numberOf(fields["count"]),
  };
}

/** For people: `7d, 1000 events`, or `for ever`. */
export function formatRetention({ age_ms: ageMs, bytes, count }: RetentionLimits): string {
  const limits = [
    ...(ageMs > 0 ? [formatDuration(ageMs)] : []),
    ...(bytes > 0 ? [formatSize(bytes)] : []),
    ...(count > 0 ? [`${count} events`] : []),
  ];
  return limits.length === 0 ? "for ever" : limits.join(", ");
}

/** What the flags change of `present`; `none` takes a limit away. @throws CommandError for what is no limit. */
export function changeRetention(present: RetentionLimits, flags: FlagValues): RetentionLimits {
  return {
    age_ms: isNone(flags, "age") ? 0 : (flags.durationMs("age") ?? present.age_ms),
    bytes: isNone(flags, "bytes") ? 0 : (parseBytes(flags.text("bytes")) ?? present.bytes),
    count: isNone(flags, "count") ? 0 : (flags.count("count") ?? present.count),
  };
}

function isNone(flags: FlagValues, name: string): boolean {
  return flags.text(name) === "none";
}

function parseBytes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseByteSize(text);
  } catch (cause) {
    throw new CommandError(`Invalid value "${text}" for flag -bytes: try 500MB, 2GiB or none`, { cause });
  }
}
