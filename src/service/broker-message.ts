import { MicroError } from "#base/error.ts";
import { ProtoFields, readTextMap } from "#rpc/proto-fields.ts";

/** A message as a subscriber gets it. */
export interface ReceivedMessage {
  readonly topic: string;
  /** Keys keep their case; `Content-Type` says how the body is written. */
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body as text. @throws MicroError `invalid_argument` when it is not UTF-8. */
  text(): string;
  /** The body as JSON, which whoever reads it checks. @throws MicroError `invalid_argument` when it is no JSON. */
  json(): unknown;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * A `broker.Message` that is read when it is asked: most handlers look at the body alone, and reading headers would be
 * most of the work.
 */
export class WireMessage implements ReceivedMessage {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  /** @param start where the message begins in `bytes`, and `end` where it ends. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get topic(): string {
    return this.#find(100)?.text() ?? "";
  }

  get header(): Readonly<Record<string, string>> {
    return readTextMap(this.#fields(), 1);
  }

  get body(): Uint8Array {
    return this.#find(2)?.bytes() ?? new Uint8Array(0);
  }

  text(): string {
    try {
      return utf8.decode(this.body);
    } catch (cause) {
      throw new MicroError("invalid_argument", `a message of topic ${this.topic} is not text in UTF-8`, { cause });
    }
  }

  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new MicroError("invalid_argument", `a message of topic ${this.topic} is not JSON`, { cause });
    }
  }

  #find(number: number): ProtoFields | undefined {
    const fields = this.#fields();
    while (fields.next()) if (fields.number === number) return fields;
    return undefined;
  }

  #fields(): ProtoFields {
    return new ProtoFields(this.#bytes, this.#start, this.#end);
  }
}
