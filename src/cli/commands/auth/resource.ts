import { CommandError } from "#cli/command-error.ts";
import { textOf, type Fields } from "#cli/service-answer.ts";

/** A resource as calls carry it. */
export interface ResourceFields {
  readonly type: string;
  readonly name: string;
  readonly endpoint: string;
}

/** Reads `type:name:endpoint`; the name may hold colons. @throws CommandError for another form. */
export function parseResource(text: string): ResourceFields {
  const match = /^([^:]+):(.+):([^:]+)$/.exec(text);
  if (match === null) throw new CommandError("Invalid resource, must be in the format type:name:endpoint");
  const [, type = "", name = "", endpoint = ""] = match;
  return { type, name, endpoint };
}

/** The same in reverse. */
export function formatResource(resource: Fields): string {
  return [resource["type"], resource["name"], resource["endpoint"]].map(textOf).join(":");
}
