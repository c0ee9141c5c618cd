import { MicroError } from "#base/error.ts";
import type { EventLog, LogWrite } from "#core/events/event-log.ts";
import type { PublishedEvent, PublishedRun, TopicKey } from "#interface/events.ts";

interface WaitingWrite {
  readonly write: LogWrite;
  readonly resolve: (published: readonly PublishedEvent[]) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A log as one process sees it that may die: what it writes reaches the other log later, in order, and of what is on its
 * way at its death only a part does. Nobody is told of the rest.
 */
export class CrashingLog implements EventLog {
  readonly #kept: EventLog;
  readonly #unsubscribe: (() => void)[] = [];
  #waiting: WaitingWrite[] = [];
  /** Writes that the other log has begun. */
  readonly #committing = new Set<Promise<unknown>>();
  #isDead = false;

  constructor(kept: EventLog) {
    this.#kept = kept;
  }

  /** @param share how much of what is on its way arrives, 0 to 1 */
  async crash(share: number): Promise<void> {
    this.#isDead = true;
    for (const each of this.#unsubscribe) each();
    await Promise.allSettled(this.#committing);
    const arriving = this.#waiting.slice(0, Math.round(this.#waiting.length * share));
    for (const { write } of arriving) await this.#kept.write(write);
  }

  write(write: LogWrite): Promise<readonly PublishedEvent[]> {
    if (this.#isDead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#commit());
    });
  }

  append(): Promise<readonly PublishedRun[]> {
    throw new MicroError("unimplemented", "nobody publishes through a log that crashes");
  }

  read(...given: Parameters<EventLog["read"]>): ReturnType<EventLog["read"]> {
    return this.#alive().read(...given);
  }

  readAt(...given: Parameters<EventLog["readAt"]>): ReturnType<EventLog["readAt"]> {
    return this.#alive().readAt(...given);
  }

  sequenceAt(...given: Parameters<EventLog["sequenceAt"]>): number {
    return this.#alive().sequenceAt(...given);
  }

  topic(key: TopicKey): ReturnType<EventLog["topic"]> {
    return this.#alive().topic(key);
  }

  topics(namespace: string): ReturnType<EventLog["topics"]> {
    return this.#alive().topics(namespace);
  }

  place(...given: Parameters<EventLog["place"]>): ReturnType<EventLog["place"]> {
    return this.#alive().place(...given);
  }

  groups(key: TopicKey): ReturnType<EventLog["groups"]> {
    return this.#alive().groups(key);
  }

  setRetention(...given: Parameters<EventLog["setRetention"]>): Promise<void> {
    return this.#alive().setRetention(...given);
  }

  deleteTopic(key: TopicKey): Promise<void> {
    return this.#alive().deleteTopic(key);
  }

  deleteGroup(...given: Parameters<EventLog["deleteGroup"]>): Promise<void> {
    return this.#alive().deleteGroup(...given);
  }

  onAppend(listener: (key: TopicKey, lastSequence: number) => void): () => void {
    const unsubscribe = this.#kept.onAppend(listener);
    this.#unsubscribe.push(unsubscribe);
    return unsubscribe;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #alive(): EventLog {
    if (this.#isDead) throw new MicroError("unavailable", "the process of this log is dead");
    return this.#kept;
  }

  /** All that waits, as one commit. */
  #commit(): void {
    if (this.#isDead) return;
    const writes = this.#waiting;
    this.#waiting = [];
    for (const { write, resolve, reject } of writes) {
      const commit = this.#kept.write(write).then(resolve, reject);
      this.#committing.add(commit);
      commit.finally(() => this.#committing.delete(commit)).catch(() => undefined);
    }
  }
}
