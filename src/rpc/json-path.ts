import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { limits } from "#base/limits.ts";

/** Characters of a caller's own text that an error repeats. */
const shownLengthMax = 40;

/** Where a reader stands in the JSON of a message, so that an error can name the field. */
export class JsonPath {
  readonly #typeName: string;
  readonly #parts: (string | number)[] = [];

  constructor(typeName: string) {
    this.#typeName = typeName;
  }

  /** Goes one level down: a field, a key or an index. @throws MicroError `invalid_argument` below the depth limit. */
  enter(part: string | number): void {
    this.#parts.push(part);
    if (this.#parts.length > limits.messageDepthMax) {
      throw this.#error(`is nested deeper than ${limits.messageDepthMax} levels`);
    }
  }

  leave(): void {
    this.#parts.pop();
  }

  /** The error for a value that is not what is wanted here: `options.limit: "abc" is not an int64`. */
  fault(json: unknown, wanted: string): MicroError {
    return this.#error(`${shown(json)} is not ${wanted}`);
  }

  toString(): string {
    if (this.#parts.length === 0) return this.#typeName;
    // A path that is too deep is cut in the middle: both ends say where to look.
    const parts = this.#parts.length > 16 ? [...this.#parts.slice(0, 8), "…", ...this.#parts.slice(-8)] : this.#parts;
    return parts
      .map((part, at) => (typeof part === "number" ? `[${part}]` : `${at > 0 ? "." : ""}${cut(part)}`))
      .join("");
  }

  #error(text: string): MicroError {
    return new MicroError("invalid_argument", `${this.toString()}: ${text}`);
  }
}

function shown(json: unknown): string {
  if (Array.isArray(json)) return "a list";
  if (isRecord(json)) return "an object";
  return typeof json === "string" ? JSON.stringify(cut(json)) : cut(String(json));
}

function cut(text: string): string {
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
