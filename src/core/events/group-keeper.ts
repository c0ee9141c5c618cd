import type { Logger } from "#base/logger.ts";
import { limits } from "#base/limits.ts";
import type { NewEvent } from "#interface/events.ts";
import { toDeadLetter } from "./dead-letter.ts";
import type { Delivery } from "./delivery.ts";
import type { EventLog, GroupKey } from "./event-log.ts";
import type { GroupProgress } from "./group-progress.ts";
import { PlaceSaver } from "./place-saver.ts";

/** Keeps what must outlive the process: how far a group is, and what it gave up. */
export interface GroupKeeper {
  /** The group got further. */
  mark(): void;
  /** An event is tried no more. It stays open until its dead letter is on disk. */
  giveUp(delivery: Delivery, reason: string): void;
  /** Resolves when what is true now is on disk. @throws MicroError when the disk refuses it. */
  saved(): Promise<void>;
  /** Resolves when nothing is being saved. */
  idle(): Promise<void>;
  /** The same, and gives up what keeps failing. */
  stop(): Promise<void>;
}

export interface LogKeeperDeps {
  readonly log: EventLog;
  readonly key: GroupKey;
  readonly logger: Logger;
  /** That of now: a group may be moved. */
  readonly progress: () => GroupProgress;
}

interface GivenUp {
  readonly delivery: Delivery;
  readonly reason: string;
}

/** Keeps a group's place in the log. A dead letter and the place that counts its event as done are one write, so neither is without the other. */
export class LogKeeper implements GroupKeeper {
  readonly #deps: LogKeeperDeps;
  readonly #saver: PlaceSaver;
  #givenUp: GivenUp[] = [];

  constructor(deps: LogKeeperDeps) {
    const { topic, group } = deps.key;
    this.#deps = deps;
    this.#saver = new PlaceSaver({ save: () => this.#save(), logger: deps.logger.with({ topic, group }) });
  }

  mark(): void {
    this.#saver.mark();
  }

  giveUp(delivery: Delivery, reason: string): void {
    this.#givenUp.push({ delivery, reason });
    this.#saver.mark();
  }

  saved(): Promise<void> {
    return this.#saver.saved();
  }

  idle(): Promise<void> {
    return this.#saver.idle();
  }

  stop(): Promise<void> {
    return this.#saver.stop();
  }

  async #save(): Promise<void> {
    const { log, key, progress } = this.#deps;
    const given = this.#takeGivenUp();
    const settled = new Set(given.map((each) => each.delivery));
    try {
      const places = [{ ...key, place: progress().toPlace(settled) }];
      await log.write({ namespace: key.namespace, events: this.#toDeadLetters(given), places });
    } catch (reason) {
      this.#givenUp = [...given, ...this.#givenUp];
      throw reason;
    }
    for (const delivery of settled) {
      delivery.stage = "finished";
      progress().finish(delivery);
    }
    if (this.#givenUp.length > 0) this.#saver.mark();
  }

  /** The first ones that fit one write; without those that were acknowledged after all. */
  #takeGivenUp(): GivenUp[] {
    const taken: GivenUp[] = [];
    let bytes = 0;
    let count = 0;
    for (const each of this.#givenUp) {
      if (each.delivery.stage === "given_up") {
        bytes += each.delivery.bytes;
        if (taken.length > 0 && (bytes > limits.eventReadBytesMax || taken.length >= limits.deadLetterBatchCountMax))
          break;
        taken.push(each);
      }
      count += 1;
    }
    this.#givenUp = this.#givenUp.slice(count);
    return taken;
  }

  /** Of those that the topic still has: what its retention removed needs no dead letter. */
  #toDeadLetters(given: readonly GivenUp[]): NewEvent[] {
    if (given.length === 0) return [];
    const { log, key } = this.#deps;
    const bySequence = new Map(given.map((each) => [each.delivery.sequence, each]));
    const sequences = [...bySequence.keys()].toSorted((a, b) => a - b);
    return log.readAt(key, sequences).flatMap((event) => {
      const each = bySequence.get(event.sequence);
      if (each === undefined) return [];
      return [toDeadLetter(event, { group: key.group, attempt: each.delivery.attempt, reason: each.reason })];
    });
  }
}

/** For a reader of its own: nothing outlives it, so what it gives up is done. */
export function createForgetfulKeeper(progress: () => GroupProgress): GroupKeeper {
  return {
    mark: () => undefined,
    giveUp: (delivery) => {
      delivery.stage = "finished";
      progress().finish(delivery);
    },
    saved: () => Promise.resolve(),
    idle: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
