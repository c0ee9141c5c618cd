import { readFileSync } from "node:fs";
import { CommandError } from "#cli/command-error.ts";
import { isRecord, type JsonObject, type JsonValue } from "#base/json.ts";
import { mapElement } from "./resolve-field.ts";

/**
 * Turns what was given for a flag into the JSON of its field. `type` is a type name of the registry; `texts` are the values
 * in the order given.
 *
 * @throws CommandError that names the flag.
 */
export function convertValue(flag: string, type: string, texts: readonly string[]): JsonValue {
  if (type === "[]uint8" || type === "bytes") return convertBytes(flag, texts.at(-1) ?? "");
  if (type.startsWith("[]")) return convertList(flag, type.slice(2), texts);
  const element = mapElement(type);
  if (element !== undefined) return convertMap(flag, element, texts);
  return convertScalar(flag, type, texts.at(-1) ?? "");
}

/** True for a flag that may stand alone. */
export function isBool(type: string): boolean {
  return type === "bool";
}

function convertList(flag: string, element: string, texts: readonly string[]): JsonValue {
  const [first = ""] = texts;
  if (texts.length === 1 && first.trim() === "") return [];
  const whole = texts.length === 1 && first.trim().startsWith("[") ? parseJson(first) : undefined;
  if (Array.isArray(whole)) return whole;
  // Given once, commas separate; JSON has commas of its own.
  const parts = texts.length === 1 && !/^\s*[{["]/.test(first) ? first.split(",") : texts;
  return parts.map((part) => convertValue(flag, element, [part]));
}

function convertMap(flag: string, element: string, texts: readonly string[]): JsonValue {
  const entries: [string, JsonValue][] = [];
  for (const text of texts) {
    const whole = text.trim().startsWith("{") ? parseJson(text) : undefined;
    if (isObject(whole)) {
      entries.push(...Object.entries<JsonValue>(whole));
      continue;
    }
    for (const pair of text.split(/,(?=[^,=]+=)/)) {
      const equals = pair.indexOf("=");
      if (equals <= 0) throw invalid(flag, text, "a JSON object, or KEY=VALUE");
      entries.push([pair.slice(0, equals), convertValue(flag, element, [pair.slice(equals + 1)])]);
    }
  }
  return Object.fromEntries(entries);
}

function convertScalar(flag: string, type: string, text: string): JsonValue {
  switch (type) {
    case "string":
      return text;
    case "bool":
      if (text === "true" || text === "1") return true;
      if (text === "false" || text === "0") return false;
      throw invalid(flag, text, "true or false");
    case "int":
    case "int32":
    case "int64":
    case "sint32":
    case "sint64":
    case "sfixed32":
    case "sfixed64":
      return convertInteger(flag, type, text);
    case "uint":
    case "uint32":
    case "uint64":
    case "fixed32":
    case "fixed64":
      if (text.startsWith("-")) throw invalid(flag, text, `of type ${type}, a whole number from 0 on`);
      return convertInteger(flag, type, text);
    case "float":
    case "double":
    case "float32":
    case "float64":
      return convertFloat(flag, type, text);
    default:
      // Enums, messages whose fields are not known, and `any`: JSON where it is some, else the text itself.
      return parseJson(text) ?? text;
  }
}

/** Beyond 2^53 a JSON number loses digits; text keeps them, and every Micro service reads it. */
function convertInteger(flag: string, type: string, text: string): JsonValue {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(flag, text, `of type ${type}, a whole number`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text).toString();
}

function convertFloat(flag: string, type: string, text: string): JsonValue {
  if (/^-?(NaN|Infinity)$/.test(text)) return text;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw invalid(flag, text, `of type ${type}, a number`);
}

/** Bytes are written as text, or as `@FILE`; on the wire they are base64. */
function convertBytes(flag: string, text: string): string {
  if (!text.startsWith("@")) return Buffer.from(text, "utf8").toString("base64");
  try {
    return readFileSync(text.slice(1)).toString("base64");
  } catch (reason) {
    throw new CommandError(`Cannot read ${text.slice(1)}, the value of --${flag}`, { cause: reason });
  }
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return isRecord(value);
}

function invalid(flag: string, text: string, expected: string): CommandError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new CommandError(`Invalid value "${shown}" for --${flag}: it is ${expected}`);
}
