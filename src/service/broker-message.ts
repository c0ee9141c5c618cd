import { MicroError } from "#base/error.ts";
import { ProtoFields } from "#rpc/proto-fields.ts";
import { setOwn } from "#rpc/set-own.ts";

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

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get topic(): string {
    return this.#find(100)?.text() ?? "";
  }

  get header(): Readonly<Record<string, string>> {
    const header: Record<string, string> = {};
    for (const fields = new ProtoFields(this.#bytes); fields.next();) {
      if (fields.number !== 1) continue;
      let key = "";
      let value = "";
      for (const entry = new ProtoFields(fields.bytes()); entry.next();) {
        if (entry.number === 1) key = entry.text();
        else if (entry.number === 2) value = entry.text();
      }
      setOwn(header, key, value);
    }
    return header;
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
    const fields = new ProtoFields(this.#bytes);
    while (fields.next()) if (fields.number === number) return fields;
    return undefined;
  }
}
