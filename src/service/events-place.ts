import { Start, type Event as EventMessage } from "#gen/events/events_pb.ts";
import type { ConsumeConfig } from "./events-options.ts";
import type { EventStart } from "./events-wire.ts";

/** What is asked for when a connection begins. */
export interface ConsumeRequestInit {
  readonly topic: string;
  readonly group: string;
  readonly autoAck: boolean;
  readonly ackWait: bigint;
  readonly retryLimit: bigint;
  readonly pendingMax: number;
  readonly start?: Start;
  readonly startSequence?: bigint;
  readonly startMs?: bigint;
}

/**
 * Where a consumer goes on when its connection was lost. The place of a group is kept by the server; a reader of its
 * own keeps it here, so that it misses nothing and sees nothing twice.
 */
export class ReaderPlace {
  readonly #config: ConsumeConfig;
  /** Where the next connection begins. */
  #start: EventStart;
  /** The newest place that came; this and what follows is for readers of their own. */
  #last = 0n;
  /** What came and is not done, and what is done behind the first of those. */
  readonly #open = new Set<bigint>();
  readonly #done = new Set<bigint>();

  constructor(config: ConsumeConfig) {
    this.#config = config;
    this.#start = config.start;
  }

  get #isOwn(): boolean {
    return this.#config.group === "";
  }

  /** Makes "latest" a place, once: otherwise what is published while a connection is lost would be missed. */
  async find(lastSequence: (topic: string) => Promise<number>): Promise<void> {
    if (!this.#isOwn || this.#start !== "latest") return;
    this.#start = { sequence: (await lastSequence(this.#config.topic)) + 1 };
  }

  request(): ConsumeRequestInit {
    const { topic, group, isAutoAck, ackWaitMs, retryLimit, pendingMax } = this.#config;
    return {
      topic,
      group,
      autoAck: isAutoAck,
      ackWait: BigInt(ackWaitMs) * 1_000_000n,
      retryLimit: BigInt(retryLimit),
      pendingMax,
      ...toStart(this.#resume()),
    };
  }

  /** Notes what came, and leaves out what a reader of its own has done already. */
  received(events: readonly EventMessage[]): readonly EventMessage[] {
    if (!this.#isOwn) {
      // The group stands where it was asked to: a second time would move it back.
      if (typeof this.#start === "object") this.#start = "latest";
      return events;
    }
    const fresh = events.filter(({ sequence }) => !this.#done.has(sequence));
    for (const { sequence } of fresh) {
      if (sequence > this.#last) this.#last = sequence;
      this.#open.add(sequence);
    }
    return fresh;
  }

  /** An event is done. */
  done(sequence: bigint): void {
    if (!this.#isOwn) return;
    this.#open.delete(sequence);
    this.#done.add(sequence);
    // Only what is behind the first open one can come again.
    const floor = this.#floor();
    for (const each of this.#done) {
      if (each >= floor) break;
      this.#done.delete(each);
    }
  }

  #resume(): EventStart {
    if (!this.#isOwn || this.#last === 0n) return this.#start;
    return { sequence: Number(this.#floor()) };
  }

  /** The first place that is not done. */
  #floor(): bigint {
    // The oldest comes first: events come in order, and one that comes again is in the set already.
    for (const sequence of this.#open) return sequence;
    return this.#last + 1n;
  }
}

function toStart(start: EventStart): Pick<ConsumeRequestInit, "start" | "startSequence" | "startMs"> {
  if (start === "earliest") return { start: Start.EARLIEST };
  if (start === "latest") return { start: Start.LATEST };
  return "sequence" in start ? { startSequence: BigInt(start.sequence) } : { startMs: BigInt(start.time.getTime()) };
}
