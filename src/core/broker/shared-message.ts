import { joinBytes } from "#base/join-bytes.ts";
import type { BrokerMessage } from "#interface/broker.ts";
import { bytesField, lengthFieldSize, writeBytes } from "#rpc/proto-fields.ts";

/** Fields of `broker.Message`. */
const headerField = 1;
const bodyField = 2;
const topicField = 100;
/** Fields of an entry of a map. */
const keyField = 1;
const valueField = 2;

/**
 * A message that many subscribers share, written once in protobuf however many there are. It owns its bytes: the
 * publisher may go on using his, and a small message keeps no large request in memory.
 */
export class SharedMessage implements BrokerMessage {
  readonly topic: string;
  readonly header: Readonly<Record<string, string>>;
  /** The message as `broker.Message`; its body comes last. */
  readonly wire: Uint8Array;
  readonly #bodyStart: number;

  constructor(message: Pick<BrokerMessage, "topic" | "header">, wire: Uint8Array, bodyStart: number) {
    this.topic = message.topic;
    this.header = message.header;
    this.wire = wire;
    this.#bodyStart = bodyStart;
  }

  get body(): Uint8Array {
    return this.wire.subarray(this.#bodyStart);
  }

  /** What it takes in memory, roughly. */
  get byteCount(): number {
    return this.wire.byteLength;
  }
}

/** Topic and header as they were when they were written. */
interface Prefix extends Pick<BrokerMessage, "topic" | "header"> {
  /** The object that the header was copied from. */
  readonly source: BrokerMessage["header"];
  readonly bytes: Uint8Array;
}

/**
 * Makes messages shared that are published in one go: those of one topic and one header share the work for these. Not for
 * longer, because whoever published them may write to the header afterwards.
 */
export class MessageSharer {
  #last: Prefix | undefined;

  /** The message itself when it is shared already. */
  share(message: BrokerMessage): SharedMessage {
    if (message instanceof SharedMessage) return message;
    const prefix = this.#prefix(message);
    const headByteCount = prefix.bytes.byteLength;
    const { byteLength } = message.body;
    const wire = new Uint8Array(headByteCount + (byteLength === 0 ? 0 : lengthFieldSize(bodyField, byteLength)));
    wire.set(prefix.bytes);
    if (byteLength > 0) writeBytes(wire, headByteCount, bodyField, message.body);
    return new SharedMessage(prefix, wire, wire.byteLength - byteLength);
  }

  #prefix({ topic, header }: BrokerMessage): Prefix {
    if (this.#last?.topic !== topic || this.#last.source !== header) {
      const copy = { ...header };
      this.#last = { topic, header: copy, source: header, bytes: encodePrefix(topic, copy) };
    }
    return this.#last;
  }
}

function encodePrefix(topic: string, header: BrokerMessage["header"]): Uint8Array {
  const text = new TextEncoder();
  const entries = Object.entries(header).map(([key, value]) =>
    bytesField(
      headerField,
      joinBytes([bytesField(keyField, text.encode(key)), bytesField(valueField, text.encode(value))]),
    ),
  );
  return joinBytes([...entries, bytesField(topicField, text.encode(topic))]);
}
