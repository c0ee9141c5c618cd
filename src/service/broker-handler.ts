import type { Logger } from "#base/logger.ts";
import type { ReceivedMessage } from "./broker-message.ts";
import { MessageSource, type MessageSourceOptions, type SubscriptionStatus } from "./broker-subscription.ts";
import type { Caller } from "./caller.ts";

export type MessageHandler = (message: ReceivedMessage) => unknown;

/** Gives messages to a handler, one at a time, in their order; a handler that fails loses its message and nothing else. */
export class HandledSubscription implements SubscriptionStatus {
  readonly #source: MessageSource;
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #work: Promise<void>;
  #isStopped = false;

  constructor(caller: Caller, options: MessageSourceOptions, handle: MessageHandler) {
    this.#source = new MessageSource(caller, options);
    this.#topic = options.topic;
    this.#logger = options.logger;
    this.#work = this.#run(handle);
  }

  get ready(): Promise<void> {
    return this.#source.ready;
  }

  get dropped(): number {
    return this.#source.dropped;
  }

  get gaps(): number {
    return this.#source.gaps;
  }

  /** Ends it, and waits for the handler's last message. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#source.stop();
    await this.#work;
  }

  async #run(handle: MessageHandler): Promise<void> {
    try {
      for (let batch = await this.#source.take(); batch !== undefined; batch = await this.#source.take()) {
        for (const message of batch) {
          if (this.#isStopped) return;
          try {
            await handle(message);
          } catch (reason) {
            this.#report("a message could not be handled", reason);
          }
        }
      }
    } catch (reason) {
      this.#report("the subscription ended", reason);
    }
  }

  #report(what: string, reason: unknown): void {
    this.#logger.error(what, { topic: this.#topic, error: reason });
  }
}
