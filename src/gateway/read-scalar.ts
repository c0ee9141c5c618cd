import type { JsonValue } from "#base/json.ts";
import type { Value } from "#interface/registry.ts";

/** A number as JSON writes it. */
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const numberTypes = /^(?:u?int(?:8|16|32|64)?|float(?:32|64)|double|float|number|integer)$/;

/**
 * One value of a parameter, as the schema wants it. What does not fit stays text, and the service says what is wrong.
 *
 * @param text absent for a parameter without `=`, which is a switch that is on.
 */
export function readScalar(text: string | undefined, type: Value | undefined): JsonValue {
  if (type === undefined) return text === undefined ? true : readLiteral(text);
  if (type.type === "bool" || type.type === "boolean") return readBool(text);
  if (text === undefined) return "";
  if (type.type === "string" || type.type === "[]uint8") return text;
  if (numberTypes.test(type.type)) return readNumber(text);
  // A message, a map or a list may be given as JSON; the name of an enum is text.
  return /^[[{]/.test(text) ? readLiteral(text) : text;
}

function readBool(text: string | undefined): JsonValue {
  if (text === undefined || text === "1" || text.toLowerCase() === "true") return true;
  return text === "0" || text.toLowerCase() === "false" ? false : text;
}

/** Integers that a number of JavaScript cannot hold stay text, which is their form in JSON anyway. */
function readNumber(text: string): JsonValue {
  if (!numberPattern.test(text)) return text;
  const number = Number(text);
  return Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number)) ? number : text;
}

/** JSON where it is JSON, text otherwise. */
function readLiteral(text: string): JsonValue {
  if (numberPattern.test(text)) return readNumber(text);
  if (!/^(?:true|false|null|[[{"].*[\]}"])$/s.test(text)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
