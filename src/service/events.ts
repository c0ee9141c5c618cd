/** Entry point `micro-ts/events`: durable ordered topics. */
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { createLogger, type Logger } from "#base/logger.ts";
import { requireName } from "#base/name.ts";
import { Store, Stream } from "#gen/events/events_pb.ts";
import type { GroupState, PublishedEvent, Retention, TopicState } from "#interface/events.ts";
import type { Origin } from "./caller.ts";
import type { ConsumedEvent, StoredEvent } from "./events-event.ts";
import { startHandling, type EventHandler, type EventHandling } from "./events-handle.ts";
import { readEvents, readHistory, type HistoryOptions, type ReadOptions } from "./events-history.ts";
import { iterate } from "./events-iterate.ts";
import { resolveConsumeOptions, type ConsumeOptions } from "./events-options.ts";
import { toOutgoing, type EventPayload, type PublishOptions } from "./events-payload.ts";
import { EventPublisher } from "./events-publisher.ts";
import { Subscription } from "./events-subscription.ts";
import { TopicDesk } from "./events-topics.ts";
import type { EventStart } from "./events-wire.ts";
import { createProtoClient } from "./proto.ts";

export { MicroError } from "#base/error.ts";
export { deadLetterTopic } from "#interface/events.ts";
export type { Origin } from "./caller.ts";
export type {
  ConsumedEvent,
  ConsumeOptions,
  EventHandler,
  EventHandling,
  EventPayload,
  EventStart,
  GroupState,
  HistoryOptions,
  PublishedEvent,
  PublishOptions,
  ReadOptions,
  Retention,
  StoredEvent,
  TopicState,
};

export interface EventsOptions {
  /**
   * How long a publish may take, with all that is tried again while the server is away, in milliseconds.
   *
   * @default limits.requestTimeoutMs
   */
  readonly publishTimeoutMs?: number;
}

/** How events are handled. */
export interface HandleOptions extends Omit<ConsumeOptions, "isAutoAck"> {
  /** Events that are handled at a time; with 1 in the order of the topic. @default 1 */
  readonly concurrency?: number;
  /** Told of handlers that threw. @default lines on standard error */
  readonly logger?: Logger;
}

/** The topics of a namespace. All methods throw MicroError `invalid_argument` for a bad name or option. */
export interface Events {
  /**
   * Appends an event and returns once it is on disk. Events that are published while others are on their way travel
   * together; all are appended in the order of the calls. While the server is away they are sent again, and none is
   * appended twice.
   *
   * @param payload text and bytes as they are, anything else as JSON
   * @throws MicroError `payload_too_large`; `too_many_requests` when very many wait already; `unavailable` or `timeout`
   * when the server stayed away.
   */
  publish(topic: string, payload: EventPayload, options?: PublishOptions): Promise<PublishedEvent>;
  /**
   * Appends many events in order, no faster than the server takes them. What was appended before a failure stays.
   *
   * @throws MicroError as `publish`, the first failure.
   */
  publishAll(
    topic: string,
    payloads: Iterable<EventPayload> | AsyncIterable<EventPayload>,
    options?: Omit<PublishOptions, "id">,
  ): Promise<readonly PublishedEvent[]>;
  /**
   * Events as they come, from when the loop begins; lost connections are made again. Asking for the next event says
   * that the one before is done, unless `ack` or `nack` was called; leaving the loop, by `break` or by throwing, says
   * nothing of the last one, so it comes again, to this group.
   *
   * @throws MicroError from the loop, when the server refuses.
   */
  consume(topic: string, options?: ConsumeOptions): AsyncIterable<ConsumedEvent>;
  /** Calls a handler for each event: when it returns the event is done, when it throws the event comes again later. */
  handle(topic: string, options: HandleOptions, handler: EventHandler): EventHandling;
  /** A part of the history, oldest first; nothing for a topic that is not there. */
  read(topic: string, options?: ReadOptions): Promise<readonly StoredEvent[]>;
  /** The whole history from a place on, oldest first, until the newest event that there is. */
  history(topic: string, options?: HistoryOptions): AsyncIterable<StoredEvent>;
  /** Ordered by name. */
  topics(): Promise<readonly TopicState[]>;
  /** Groups and how far each has come, ordered by topic and name. @param topic absent: of all topics */
  groups(topic?: string): Promise<readonly GroupState[]>;
  /**
   * Gives the dead letters of a group to it once more, oldest first, and says how many.
   *
   * @throws MicroError `not_found` when there is no such group.
   */
  redrive(topic: string, group: string, options?: { readonly limit?: number }): Promise<number>;
  /** Says how long a topic keeps its events, with all limits at once; the topic is made where it is missing. */
  setRetention(topic: string, retention: Retention): Promise<void>;
  /** Removes a topic with its events and groups. A missing one is no error. */
  deleteTopic(topic: string): Promise<void>;
  /** Forgets a group, which then begins anew. @throws MicroError `conflict` while consumers are connected. */
  deleteGroup(topic: string, group: string): Promise<void>;
}

/** The topics of the namespace of a service or a client. Nothing is sent before the first use. */
export function createEvents(origin: Origin, options: EventsOptions = {}): Events {
  const { publishTimeoutMs: timeoutMs = limits.requestTimeoutMs } = options;
  if (!(timeoutMs > 0)) throw new MicroError("invalid_argument", "publishTimeoutMs must be above 0");
  const stream = createProtoClient(origin, "events", Stream);
  const history = createProtoClient(origin, "events", Store);
  const publisher = new EventPublisher(origin, { timeoutMs });
  const desk = new TopicDesk(stream);
  const subscribe = (topic: string, consume: ConsumeOptions): Subscription =>
    new Subscription(
      { client: stream, lastSequence: (name, signal) => desk.lastSequence(name, signal) },
      resolveConsumeOptions(topic, consume),
    );
  // Most events of a program go to one topic, whose name is checked once.
  let checkedTopic = "";
  const publish: Events["publish"] = (topic, payload, options = noOptions) => {
    try {
      if (topic !== checkedTopic) checkedTopic = requireName("topic", topic);
      return publisher.publish(toOutgoing(topic, payload, options));
    } catch (reason) {
      return Promise.reject(MicroError.from(reason));
    }
  };
  return {
    publish,
    publishAll: async (topic, payloads, options = {}) => {
      const answers: Promise<PublishedEvent>[] = [];
      let failure: unknown;
      for await (const payload of payloads) {
        await publisher.room();
        if (failure !== undefined) break;
        const answer = publish(topic, payload, options);
        answer.catch((reason: unknown) => (failure ??= reason));
        answers.push(answer);
      }
      return Promise.all(answers);
    },
    consume: (topic, options = {}) => iterate(subscribe(topic, options)),
    handle: (topic, { concurrency = 1, logger = createLogger({ write: printLine }), signal, ...options }, handler) => {
      if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
        throw new MicroError("invalid_argument", "concurrency is a whole number from 1 on");
      }
      const subscription = subscribe(topic, options);
      return startHandling({ subscription, handler, concurrency, logger, signal });
    },
    read: (topic, options = {}) => readEvents(history, topic, options),
    history: (topic, options = {}) => readHistory(history, topic, options),
    topics: () => desk.topics(),
    groups: (topic = "") => desk.groups(topic),
    redrive: (topic, group, { limit = 0 } = {}) => desk.redrive({ topic, group }, limit),
    setRetention: (topic, retention) => desk.setRetention(topic, retention),
    deleteTopic: async (topic) => {
      await stream.deleteTopic({ topic: requireName("topic", topic) });
    },
    deleteGroup: async (topic, group) => {
      await stream.deleteGroup({ topic: requireName("topic", topic), group: requireName("group", group) });
    },
  };
}

const noOptions: PublishOptions = Object.freeze({});

function printLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
