import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** One `name=value` of a query or a form. */
export interface Parameter {
  /** The name in steps: `a[b].c` is `a`, `b`, `c`. */
  readonly path: readonly string[];
  /** `a[]=1`: one item of a list. */
  readonly isItem: boolean;
  /** Absent where there is no `=`. */
  readonly value: string | undefined;
  /** The content of a file, which has no `value`. */
  readonly bytes?: Uint8Array;
}

/**
 * Reads `a=1&b[c]=2&d[]=3&e.f=4&g`.
 *
 * @param what `query` or `form`, for messages.
 * @throws MicroError `invalid_argument` for text that is not percent-encoded, names that are none, and too many or too
 * deep ones.
 */
export function parseParameters(text: string, what: "query" | "form"): Parameter[] {
  const parameters: Parameter[] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    if (parameters.length === limits.parameterCountMax) {
      throw new MicroError("invalid_argument", `the ${what} has more than ${limits.parameterCountMax} parameters`);
    }
    const equals = part.indexOf("=");
    const name = decode(equals === -1 ? part : part.slice(0, equals), what);
    const value = equals === -1 ? undefined : decode(part.slice(equals + 1), what);
    parameters.push({ ...parseName(name, what), value });
  }
  return parameters;
}

/** The steps of a name. @throws MicroError `invalid_argument` */
export function parseName(name: string, what: string): Pick<Parameter, "path" | "isItem"> {
  const isItem = name.endsWith("[]");
  const path: string[] = [];
  let rest = isItem ? name.slice(0, -2) : name;
  while (rest !== "") {
    const step = /^(?:\[([^[\]]+)\]|\.?([^.[\]]+))/.exec(rest);
    const key = step?.[1] ?? step?.[2];
    if (step === null || key === undefined || path.push(key) > limits.messageDepthMax) break;
    rest = rest.slice(step[0].length);
  }
  if (rest === "" && path.length > 0 && !/^[.[]/.test(name)) return { path, isItem };
  const shown = JSON.stringify(name.slice(0, 40));
  throw new MicroError("invalid_argument", `${shown} is not a name of a ${what} parameter; write a, a.b, a[b] or a[]`);
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new MicroError("invalid_argument", `${shown} in the ${what} is not percent-encoded text`, { cause });
  }
}
