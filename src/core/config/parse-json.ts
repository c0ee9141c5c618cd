import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { writeMask, writeNode, type JsonNode } from "./config-node.ts";

/**
 * Reads JSON without losing anything that JSON.parse loses: numbers keep all their digits. Of a key that comes twice the
 * last one counts, and no key is special, `__proto__` included.
 *
 * @throws MicroError `invalid_argument` that says where the text is wrong and never shows any of it, since it may be a secret.
 */
export function parseJson(text: string): JsonNode {
  return new JsonReader(text).readDocument();
}

/** A string in which nothing is escaped, and nothing needs to be. */
const plainString = /"[ !#-[\]-\ud7ff\ue000-\uffff]*"/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): JsonNode {
    const node = this.#readValue(1);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#refuse("nothing more");
    return node;
  }

  #readValue(depth: number): JsonNode {
    if (depth > limits.messageDepthMax) {
      throw new MicroError("invalid_argument", `${refusal}it is nested deeper than ${limits.messageDepthMax} levels`);
    }
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === "{") return this.#readObject(depth);
    if (first === "[") return { kind: "value", json: this.#readArray(depth) };
    if (first === '"') return { kind: "value", json: this.#readString("a value") };
    const text = this.#take(number) ?? this.#take(word);
    if (text === undefined) throw this.#refuse("a value");
    return { kind: "value", json: text };
  }

  #readObject(depth: number): JsonNode {
    const entries = new Map<string, JsonNode>();
    this.#at += 1;
    if (this.#skip("}")) return { kind: "object", entries };
    do {
      this.#skipSpace();
      const key = JSON.parse(this.#readString("a key in quotes")) as string;
      if (!this.#skip(":")) throw this.#refuse('":"');
      entries.set(key, this.#readValue(depth + 1));
    } while (this.#skip(","));
    if (!this.#skip("}")) throw this.#refuse('"," or "}"');
    return { kind: "object", entries };
  }

  #readArray(depth: number): string {
    const items: string[] = [];
    this.#at += 1;
    if (this.#skip("]")) return "[]";
    do items.push(writeNode(this.#readValue(depth + 1), writeMask));
    while (this.#skip(","));
    if (!this.#skip("]")) throw this.#refuse('"," or "]"');
    return `[${items.join(",")}]`;
  }

  /** JSON of a string, written as the platform writes it. */
  #readString(what: string): string {
    const plain = this.#take(plainString);
    if (plain !== undefined) return plain;
    if (this.#text[this.#at] !== '"') throw this.#refuse(what);
    const end = this.#findQuote();
    try {
      // It ends where it should; whether all within is allowed is for the platform to say.
      const json = JSON.stringify(JSON.parse(this.#text.slice(this.#at, end + 1)));
      this.#at = end + 1;
      return json;
    } catch {
      throw this.#refuse("a complete string");
    }
  }

  /** Place of the quote that ends the string which begins here; the end of the text when there is none. */
  #findQuote(): number {
    for (let end = this.#text.indexOf('"', this.#at + 1); end !== -1; end = this.#text.indexOf('"', end + 1)) {
      let start = end;
      while (this.#text[start - 1] === "\\") start -= 1;
      if ((end - start) % 2 === 0) return end;
    }
    return this.#text.length;
  }

  /** Steps over a sign, with the space before it. */
  #skip(sign: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#text) ?? [];
    this.#at += text?.length ?? 0;
    return text;
  }

  #refuse(expected: string): MicroError {
    const place = this.#at >= this.#text.length ? "at its end" : `at character ${this.#at + 1}`;
    return new MicroError("invalid_argument", `${refusal}expected ${expected} ${place}`);
  }
}

/** Space, tab, line feed, carriage return; past the end of the text the code is no number. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

const refusal = "Request is invalid JSON: ";
