import type { MessageInitShape } from "@bufbuild/protobuf";
import { AsyncQueue } from "#base/async-queue.ts";
import { limits } from "#base/limits.ts";
import {
  Start,
  Store,
  Stream,
  type ConsumeBatchRequestSchema,
  type ConsumeRequestSchema,
  type Event,
  type PublishRequestSchema,
} from "#gen/events/events_pb.ts";
import type {
  BatchNumber,
  ConsumeOptions,
  Consumer,
  DeliveredEvent,
  EventQuery,
  Events,
  GroupState,
  NewEvent,
  PublishedEvent,
  PublishedRun,
  Retention,
  StartPosition,
  StoredEvent,
  TopicKey,
  TopicState,
} from "#interface/events.ts";
import { protoMethod } from "#rpc/proto-service.ts";
import type { CallOptions, TypedClient } from "#rpc/typed-client.ts";

const { method: stream } = Stream;
const methods = {
  publishBatch: protoMethod(stream.publishBatch),
  consumeBatch: protoMethod(stream.consumeBatch),
  ack: protoMethod(stream.ack),
  listGroups: protoMethod(stream.listGroups),
  listTopics: protoMethod(stream.listTopics),
  setRetention: protoMethod(stream.setRetention),
  deleteTopic: protoMethod(stream.deleteTopic),
  deleteGroup: protoMethod(stream.deleteGroup),
  redrive: protoMethod(stream.redrive),
  read: protoMethod(Store.method.read),
};

type Request = MessageInitShape<typeof ConsumeBatchRequestSchema>;

/** Events as a client sees them, with nothing between it and the wire. */
export class EventsOverRpc implements Events {
  readonly #client: TypedClient;
  readonly #options: CallOptions;

  constructor(client: TypedClient, options: CallOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  async publish(namespace: string, given: readonly NewEvent[]): Promise<readonly PublishedEvent[]> {
    const request = { events: given.map(toPublishRequest) };
    const { events } = await this.#client.unary(methods.publishBatch, "events", request, this.#in(namespace));
    return events.map(({ id, sequence, duplicate }) => ({ id, sequence: Number(sequence), isDuplicate: duplicate }));
  }

  async publishBatch(
    namespace: string,
    { publisher, number }: BatchNumber,
    given: readonly NewEvent[],
  ): Promise<readonly PublishedRun[]> {
    const request = { events: given.map(toPublishRequest), publisher, number: BigInt(number) };
    const { runs } = await this.#client.unary(methods.publishBatch, "events", request, this.#in(namespace));
    return runs.map(({ idPrefix, firstSequence, count, duplicate }) => ({
      idPrefix,
      firstSequence: Number(firstSequence),
      count: Number(count),
      isDuplicate: duplicate,
    }));
  }

  async read(query: EventQuery): Promise<readonly StoredEvent[]> {
    if (query.start?.kind === "latest") return [];
    const { namespace, topic, limit = 0, offset = 0, start } = query;
    const request = { topic, limit: BigInt(limit), offset: BigInt(offset), ...toWireStart(start) };
    const { events } = await this.#client.unary(methods.read, "events", request, this.#in(namespace));
    return events.map((each) => toStored(namespace, each));
  }

  consume(options: ConsumeOptions): Consumer {
    const requests = new AsyncQueue<Request>(Number.POSITIVE_INFINITY);
    requests.push({ consume: toConsumeRequest(options) });
    const callOptions = this.#in(options.namespace);
    const batches = this.#client.bidiStream(methods.consumeBatch, "events", requests, {
      ...callOptions,
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    const isAutoAck = options.isAutoAck ?? false;
    return {
      acknowledge: (sequences) => requests.push({ done: sequences.map(BigInt) }),
      refuse: (sequence, delayMs = 0) =>
        requests.push({ nacks: [{ sequence: BigInt(sequence), delayMs: BigInt(delayMs) }] }),
      extend: (sequences) => requests.push({ waiting: sequences.map(BigInt) }),
      giveBack: (sequences) => requests.push({ returned: sequences.map(BigInt) }),
      [Symbol.asyncIterator]: () => {
        const source = batches[Symbol.asyncIterator]();
        let asked: Promise<unknown> | undefined;
        const next = async (): Promise<IteratorResult<readonly DeliveredEvent[]>> => {
          try {
            const { done, value } = await source.next();
            if (done === true) return { done: true, value: undefined };
            return { done: false, value: value.events.map((each) => toDelivered(options.namespace, each)) };
          } catch (reason) {
            if (options.signal?.aborted === true) return { done: true, value: undefined };
            throw reason;
          }
        };
        return {
          next: () => {
            const answer = next();
            asked = answer.catch(() => undefined);
            return answer;
          },
          return: async () => {
            // Ending our side is how a consumer leaves that acknowledges; the stream's end says that it was heard.
            requests.close();
            if (!isAutoAck) await asked;
            await source.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  async acknowledge(key: TopicKey & { readonly group: string }, ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#ack(key, id, true);
  }

  async refuse(key: TopicKey & { readonly group: string }, id: string): Promise<void> {
    await this.#ack(key, id, false);
  }

  async topics(namespace: string): Promise<readonly TopicState[]> {
    const { topics } = await this.#client.unary(methods.listTopics, "events", {}, this.#in(namespace));
    return topics.map(({ name, retention, ...state }) => ({
      name,
      firstSequence: Number(state.firstSequence),
      lastSequence: Number(state.lastSequence),
      count: Number(state.count),
      bytes: Number(state.bytes),
      retention: Object.fromEntries(
        Object.entries({ ageMs: retention?.ageMs, bytes: retention?.bytes, count: retention?.count })
          .filter(([, value]) => value !== undefined && value !== 0n)
          .map(([name, value]) => [name, Number(value)]),
      ),
    }));
  }

  async groups(namespace: string, topic = ""): Promise<readonly GroupState[]> {
    const { groups } = await this.#client.unary(methods.listGroups, "events", { topic }, this.#in(namespace));
    return groups.map(({ name, topic, sequence, lag, pending, consumers, dead }) => ({
      name,
      topic,
      sequence: Number(sequence),
      lag: Number(lag),
      pending: Number(pending),
      consumers: Number(consumers),
      dead: Number(dead),
    }));
  }

  async setRetention({ namespace, topic }: TopicKey, { ageMs = 0, bytes = 0, count = 0 }: Retention): Promise<void> {
    const retention = { ageMs: BigInt(ageMs), bytes: BigInt(bytes), count: BigInt(count) };
    await this.#client.unary(methods.setRetention, "events", { topic, retention }, this.#in(namespace));
  }

  async deleteTopic({ namespace, topic }: TopicKey): Promise<void> {
    await this.#client.unary(methods.deleteTopic, "events", { topic }, this.#in(namespace));
  }

  async deleteGroup({ namespace, topic, group }: TopicKey & { readonly group: string }): Promise<void> {
    await this.#client.unary(methods.deleteGroup, "events", { topic, group }, this.#in(namespace));
  }

  async redrive({ namespace, topic, group }: TopicKey & { readonly group: string }, countMax = 0): Promise<number> {
    const request = { topic, group, limit: BigInt(countMax) };
    const { count } = await this.#client.unary(methods.redrive, "events", request, this.#in(namespace));
    return Number(count);
  }

  async #ack({ namespace, topic, group }: TopicKey & { readonly group: string }, id: string, success: boolean) {
    await this.#client.unary(methods.ack, "events", { id, success, topic, group }, this.#in(namespace));
  }

  #in(namespace: string): CallOptions {
    return { ...this.#options, namespace, metadata: { "micro-namespace": namespace } };
  }
}

function toPublishRequest(event: NewEvent): MessageInitShape<typeof PublishRequestSchema> {
  const { topic, id = "", payload, metadata = {}, timestampMs = 0 } = event;
  return { topic, id, payload, metadata, timestampMs: BigInt(timestampMs) };
}

function toConsumeRequest(options: ConsumeOptions): MessageInitShape<typeof ConsumeRequestSchema> {
  const {
    ackWaitMs = limits.eventAckWaitMs,
    retryCountMax = limits.eventRetryCountMax,
    pendingCountMax = 0,
    start,
  } = options;
  return {
    group: options.group ?? "",
    topic: options.topic,
    autoAck: options.isAutoAck ?? false,
    ackWait: BigInt(ackWaitMs) * 1_000_000n,
    retryLimit: BigInt(retryCountMax),
    pendingMax: pendingCountMax,
    start: start?.kind === "earliest" ? Start.EARLIEST : Start.LATEST,
    ...toWireStart(start),
  };
}

function toWireStart(start: StartPosition | undefined): { startSequence?: bigint; startMs?: bigint } {
  if (start?.kind === "sequence") return { startSequence: BigInt(start.sequence) };
  if (start?.kind === "time") return { startMs: BigInt(start.timestampMs) };
  return {};
}

function toStored(namespace: string, event: Event): StoredEvent {
  const { id, topic, metadata, payload, sequence, timestampMs } = event;
  return {
    namespace,
    topic,
    id,
    sequence: Number(sequence),
    payload,
    metadata,
    timestampMs: Number(timestampMs),
  };
}

function toDelivered(namespace: string, event: Event): DeliveredEvent {
  return { ...toStored(namespace, event), attempt: event.attempt };
}
