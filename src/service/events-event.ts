import { safeParse, type z } from "zod";
import { MicroError } from "#base/error.ts";
import type { JsonObject } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { Event as EventMessage } from "#gen/events/events_pb.ts";
import { describeIssues } from "./schema-issues.ts";
import type { Schema } from "./schema-kind.ts";
import type { Subscription } from "./events-subscription.ts";
import { toTimestampMs } from "./events-wire.ts";

/** An event as it is kept. */
export interface StoredEvent {
  /** Unique in its topic. */
  readonly id: string;
  readonly topic: string;
  /** Its place in the topic, from 1 on. */
  readonly sequence: number;
  /** When it happened. */
  readonly timestamp: Date;
  readonly metadata: Metadata;
  readonly payload: Uint8Array;
  /** The payload as text. */
  text(): string;
  /**
   * The payload as JSON, checked by a schema where one is given.
   *
   * @throws MicroError `invalid_argument` for what is no JSON, or does not match.
   */
  json<S extends Schema>(schema: S): z.output<S>;
  /** As above; `T` is what the caller says that it is, and nothing checks it. */
  // oxlint-disable-next-line no-unnecessary-type-parameters -- as with the answer of a call, only the reader knows.
  json<T = JsonObject>(): T;
}

/** An event that was sent to a consumer. */
export interface ConsumedEvent extends StoredEvent {
  /** How often it was sent to the group, with this time. */
  readonly attempt: number;
  /** It is done. The first word on an event counts, further ones change nothing. */
  ack(): void;
  /** It could not be handled: it is sent again, after `delayMs` or after the group's growing wait. */
  nack(options?: { readonly delayMs?: number }): void;
}

/** An event out of its message. */
export class WireEvent implements ConsumedEvent {
  readonly #message: EventMessage;
  readonly #subscription: Subscription | undefined;

  /** @param subscription where it came from; absent for an event of the history */
  constructor(message: EventMessage, subscription?: Subscription) {
    this.#message = message;
    this.#subscription = subscription;
  }

  get id(): string {
    return this.#message.id;
  }

  get topic(): string {
    return this.#message.topic;
  }

  get sequence(): number {
    return Number(this.#message.sequence);
  }

  get timestamp(): Date {
    return new Date(toTimestampMs(this.#message));
  }

  get metadata(): Metadata {
    return this.#message.metadata;
  }

  get payload(): Uint8Array {
    return this.#message.payload;
  }

  get attempt(): number {
    return this.#message.attempt;
  }

  text(): string {
    return decoder.decode(this.#message.payload);
  }

  json<S extends Schema>(schema: S): z.output<S>;
  // oxlint-disable-next-line no-unnecessary-type-parameters -- see the interface.
  json<T = JsonObject>(): T;
  json(schema?: Schema): unknown {
    const value = this.#parse();
    if (schema === undefined) return value;
    const result = safeParse(schema, value);
    if (result.success) return result.data;
    throw new MicroError("invalid_argument", `${this.#name()}: ${describeIssues(result.error.issues, value)}`);
  }

  ack(): void {
    this.#subscription?.acknowledge(this.#message.sequence);
  }

  nack({ delayMs = 0 }: { readonly delayMs?: number } = {}): void {
    if (!(Number.isSafeInteger(delayMs) && delayMs >= 0)) {
      throw new MicroError("invalid_argument", "delayMs is a whole number from 0 on");
    }
    this.#subscription?.refuse(this.#message.sequence, delayMs);
  }

  #parse(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (reason) {
      throw new MicroError("invalid_argument", `${this.#name()} does not carry JSON`, { cause: reason });
    }
  }

  #name(): string {
    return `event ${this.#message.sequence} of topic ${this.topic}`;
  }
}

const decoder = new TextDecoder();
