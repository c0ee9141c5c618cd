import { parseDuration } from "#base/duration.ts";
import { MicroError } from "#base/error.ts";
import { isRecord, type JsonObject, type JsonValue } from "#base/json.ts";

/** Reads JSON of one kind. @throws MicroError `failed_precondition` for another; it never shows the value. */
export type ConfigReader<T> = (path: string, json: string) => T;

/** One reader a kind. They convert text where that loses nothing. */
export const readers = {
  string: (path, json): string => {
    const text = scalarText(json);
    if (text === undefined) throw mismatch(path, json, "text");
    return text;
  },
  int: (path, json): number => {
    const text = scalarText(json) ?? "";
    const value = /^[+-]?\d+$/.test(text) || isNumberJson(json) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw mismatch(path, json, "a whole number below 2^53");
  },
  float: (path, json): number => {
    const text = scalarText(json) ?? "";
    const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value)) return value;
    throw mismatch(path, json, "a number");
  },
  bool: (path, json): boolean => {
    const value = booleans.get((scalarText(json) ?? "").toLowerCase());
    if (value !== undefined) return value;
    throw mismatch(path, json, "true or false");
  },
  duration: (path, json): number => {
    const value = JSON.parse(json) as unknown;
    try {
      if (typeof value === "string") return parseDuration(value);
    } catch {
      // What is wrong is said below, without the value.
    }
    throw mismatch(path, json, "a duration like 500ms, 30s or 1h30m");
  },
  list: (path, json): readonly string[] => {
    const value = JSON.parse(json) as unknown;
    if (typeof value === "string") return value === "" ? [] : value.split(",").map((each) => each.trim());
    if (Array.isArray(value) && value.every((each) => isScalar(each))) return value.map(String);
    throw mismatch(path, json, "a list of texts");
  },
  object: (path, json): JsonObject => {
    const value = JSON.parse(json) as JsonValue;
    if (isRecord(value)) return value;
    throw mismatch(path, json, "an object");
  },
} as const satisfies Record<string, ConfigReader<unknown>>;

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

/** A value from its JSON; undefined for nothing and for null. */
export function parseValue(json: string | undefined): JsonValue | undefined {
  return json === undefined ? undefined : ((JSON.parse(json) as JsonValue) ?? undefined);
}

/** @throws MicroError `failed_precondition` for the mask: a program that took it for the secret would fail far from here. */
export function requireUnmasked(path: string, json: string): void {
  if (json === maskJson) throw refuseMask(path, "read it with secret()");
}

/** The refusal to take a mask for a value. */
export function refuseMask(path: string, remedy: string): MicroError {
  return new MicroError("failed_precondition", `config ${JSON.stringify(path)} is a secret: ${remedy}`);
}

const maskJson = '"[secret]"';

/** Text of a string, a number or a boolean, numbers with all their digits. */
function scalarText(json: string): string | undefined {
  if (json.startsWith('"')) return JSON.parse(json) as string;
  return isNumberJson(json) || json === "true" || json === "false" ? json : undefined;
}

function isNumberJson(json: string): boolean {
  return /^[-\d]/.test(json);
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function mismatch(path: string, json: string, expected: string): MicroError {
  const detail = `config ${JSON.stringify(path)} is ${describe(json)}, expected ${expected}`;
  return new MicroError("failed_precondition", detail);
}

/** What a value is, without showing it. */
function describe(json: string): string {
  if (json.startsWith("{")) return "an object";
  if (json.startsWith("[")) return "a list";
  if (json.startsWith('"')) return "some other text";
  return isNumberJson(json) ? "another number" : "a boolean";
}
