import { CommandError } from "#cli/command-error.ts";
import { findFlag, type FlagSpec } from "#cli/arguments/flag-spec.ts";
import { isFlagWord, splitFlagWord } from "#cli/arguments/parse-arguments.ts";
import { isRecord, type JsonObject, type JsonValue } from "#base/json.ts";
import { convertValue, isBool } from "./convert-value.ts";
import { resolveField, type FieldTarget } from "./resolve-field.ts";
import type { SchemaValue } from "./service-entry.ts";

/** What flags say of a request. */
export interface BuiltRequest {
  readonly words: readonly string[];
  /** The message; undefined when no flag said anything of it. */
  readonly body: JsonObject | undefined;
  /** What was given for flags that are not of the message, by name. */
  readonly others: ReadonlyMap<string, readonly string[]>;
}

/** Flag that gives the whole message. */
const jsonFlag = "json";

/**
 * Reads a line of flags by the schema of a message: a flag that names a field is that field, whatever else it means.
 *
 * @param isOpen true where the schema says nothing of the fields, so that any are let through.
 * @throws CommandError with exit code 128 for a flag that is neither a field nor in `otherFlags`.
 */
export function buildRequest(
  line: readonly string[],
  message: SchemaValue,
  { otherFlags, isOpen }: { readonly otherFlags: readonly FlagSpec[]; readonly isOpen: boolean },
): BuiltRequest {
  const given = new Map<string, { readonly flag: string; readonly target: FieldTarget; readonly texts: string[] }>();
  const others = new Map<string, string[]>();
  const words: string[] = [];
  let whole: JsonObject | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const word = line[index] ?? "";
    if (!isFlagWord(word)) {
      words.push(word);
      continue;
    }
    const { name, value } = splitFlagWord(word);
    const field = resolveField(message, name);
    const other = field === undefined ? findFlag(otherFlags, name) : undefined;
    const target = field ?? (other === undefined && isOpen && name !== jsonFlag ? openField(name) : undefined);
    const mayStandAlone = target === undefined ? other?.kind === "bool" : isBool(target.value.type);
    const taken = value === undefined ? takeValue(name, line[index + 1], mayStandAlone) : { text: value, count: 0 };
    index += taken.count;
    if (target !== undefined) {
      const key = target.path.join("\0");
      const known = given.get(key);
      if (known === undefined) given.set(key, { flag: name, target, texts: [taken.text] });
      else known.texts.push(taken.text);
    } else if (other !== undefined) others.set(other.name, [...(others.get(other.name) ?? []), taken.text]);
    else if (name === jsonFlag) whole = parseWhole(taken.text);
    else throw new CommandError(`Unknown flag: ${name}`, { exitCode: 128 });
  }
  let body = whole;
  for (const { flag, target, texts } of given.values()) {
    body = withValue(body ?? {}, target.path, convertValue(flag, target.value.type, texts));
  }
  return { words, body, others };
}

/** The value that follows a flag, and how many words it is. */
function takeValue(
  name: string,
  next: string | undefined,
  mayStandAlone: boolean | undefined,
): { readonly text: string; readonly count: 0 | 1 } {
  if (mayStandAlone === true) {
    return next === "true" || next === "false" ? { text: next, count: 1 } : { text: "true", count: 0 };
  }
  if (next !== undefined && !isFlagWord(next) && next !== "--") return { text: next, count: 1 };
  throw new CommandError(`Flag needs an argument: -${name}; write --${name}=VALUE`);
}

function openField(name: string): FieldTarget {
  return { path: name.split("."), value: { name, type: "any", values: [] } };
}

function parseWhole(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (reason) {
    throw new CommandError("Error creating request: --json is not JSON", { cause: reason });
  }
  if (isRecord(value)) return value as JsonObject;
  throw new CommandError('Error creating request: --json is no JSON object; write --json=\'{"field": "value"}\'');
}

/** Fields are set as own properties, also one that is called `__proto__`. */
function withValue(message: JsonObject, [first = "", ...rest]: readonly string[], value: JsonValue): JsonObject {
  const present = Object.hasOwn(message, first) ? message[first] : undefined;
  const child = rest.length === 0 ? value : withValue(isObject(present) ? present : {}, rest, value);
  return Object.fromEntries([...Object.entries(message).filter(([key]) => key !== first), [first, child]]);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return isRecord(value);
}
