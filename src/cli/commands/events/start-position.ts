import { CommandError } from "#cli/command-error.ts";
import type { FlagSpec } from "#cli/arguments/flag-spec.ts";
import { parseDuration } from "#base/duration.ts";

/** Where reading begins, for `consume` and `read`. */
export const fromFlag: FlagSpec = {
  name: "from",
  kind: "string",
  placeholder: "WHERE",
  help: "earliest, latest, a place like 42, a time like 2026-01-31T12:00:00Z, or a time ago like 10m",
};

/** A start as the request says it; nothing for the end of the topic. */
export interface StartFields {
  readonly start?: "EARLIEST" | "LATEST";
  readonly start_sequence?: number;
  readonly start_ms?: number;
}

/** @throws CommandError for what is none of these. */
export function parseStart(text: string | undefined, nowMs: number): StartFields {
  if (text === undefined) return {};
  if (text === "earliest") return { start: "EARLIEST" };
  if (text === "latest") return { start: "LATEST" };
  if (/^\d{1,15}$/.test(text)) return { start_sequence: Math.max(1, Number(text)) };
  const timeMs = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return { start_ms: timeMs };
  return { start_ms: nowMs - agoMs(text) };
}

function agoMs(text: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    const choices = "earliest, latest, a place like 42, a time like 2026-01-31T12:00:00Z, or a time ago like 10m";
    throw new CommandError(`Invalid value "${text}" for flag -from: it is ${choices}`, { cause });
  }
}
