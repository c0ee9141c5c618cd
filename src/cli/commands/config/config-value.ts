import { CommandError } from "#cli/command-error.ts";
import { isJsonText } from "#cli/output/json-text.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";

/** JSON text of the value in an answer; undefined when nothing is there. */
export function valueIn(answer: unknown): string | undefined {
  const data = textOf(fieldsOf(fieldsOf(answer)["value"])["data"]);
  return data === "" || data === "null" ? undefined : data;
}

/** A value for people: strings without their quotes, everything else as JSON. */
export function formatValue(json: string): string {
  const value: unknown = json.startsWith('"') ? JSON.parse(json) : undefined;
  return typeof value === "string" ? value : json;
}

/** What was typed, as JSON: itself where it is JSON already, with all digits of its numbers, else a string. */
export function toValueJson(text: string, isString: boolean): string {
  return !isString && isJsonText(text) ? text.trim() : JSON.stringify(text);
}

/** A missing path and a missing document are the same to a user. */
export function notFound(): CommandError {
  return new CommandError("Not found", { code: "not_found" });
}

/** @throws CommandError in place of the server's 404. */
export function refuseMissing(reason: unknown): never {
  if (MicroError.is(reason) && reason.code === "not_found") throw notFound();
  throw reason;
}
