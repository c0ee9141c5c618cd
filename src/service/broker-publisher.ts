import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { MessageEncoder, publishTypes, type OutgoingBatch, type OutgoingMessage } from "./broker-codec.ts";
import type { Caller } from "./caller.ts";

/** A message on its way, and whom to tell. */
interface Pending {
  readonly piece: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Sends messages in their order, one call at a time, each with what has gathered since the last: so throughput does not
 * hang on round trips.
 */
export class BrokerPublisher {
  readonly #caller: Caller;
  readonly #encoder = new MessageEncoder();
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #isSending = false;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Resolves when the server took it. @throws MicroError what the server said; `too_many_requests` when too many wait. */
  publish(message: OutgoingMessage): Promise<void> {
    const piece = this.#encoder.encode(message);
    return new Promise((resolve, reject) => {
      if (this.#isFull(piece.byteLength)) {
        reject(tooManyPending(this.#pending.length));
        return;
      }
      this.#pending.push({ piece, resolve, reject });
      this.#pendingBytes += piece.byteLength;
      if (this.#isSending) return;
      this.#isSending = true;
      // What is published in the same turn goes with the same call.
      queueMicrotask(() => void this.#sendPending());
    });
  }

  #isFull(moreBytes: number): boolean {
    const { brokerPendingCountMax, brokerPendingBytesMax } = limits;
    return this.#pending.length >= brokerPendingCountMax || this.#pendingBytes + moreBytes > brokerPendingBytesMax;
  }

  async #sendPending(): Promise<void> {
    while (this.#pending.length > 0) await this.#send(this.#take());
    this.#isSending = false;
  }

  /** No more than subscribers have room for, so that one batch alone makes nobody lose messages. */
  #take(): Pending[] {
    let byteCount = 0;
    const end = this.#pending.findIndex(({ piece }, index) => {
      byteCount += piece.byteLength;
      return index === limits.brokerDeliveryCountMax || (index > 0 && byteCount > limits.brokerMessageBytesMax);
    });
    const batch = this.#pending.splice(0, end === -1 ? this.#pending.length : end);
    for (const { piece } of batch) this.#pendingBytes -= piece.byteLength;
    return batch;
  }

  /** Never fails: each message's own promise says what became of it. */
  async #send(batch: readonly Pending[]): Promise<void> {
    const body: OutgoingBatch = { pieces: batch.map(({ piece }) => piece) };
    try {
      await this.#caller.call("broker", "Broker.PublishBatch", body, { types: publishTypes });
      for (const { resolve } of batch) resolve();
    } catch (reason) {
      if (batch.length === 1 || !isAboutOneMessage(reason)) {
        for (const { reject } of batch) reject(reason);
        return;
      }
      // One that is refused refuses all; halves find it, and the others come through.
      const middle = Math.ceil(batch.length / 2);
      await this.#send(batch.slice(0, middle));
      await this.#send(batch.slice(middle));
    }
  }
}

function isAboutOneMessage(reason: unknown): boolean {
  return MicroError.is(reason) && (reason.code === "invalid_argument" || reason.code === "payload_too_large");
}

function tooManyPending(count: number): MicroError {
  return new MicroError("too_many_requests", `${count} messages wait to be published: await publish() before more`);
}
