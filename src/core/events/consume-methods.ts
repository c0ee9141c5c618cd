import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import {
  AckRequestSchema,
  ConsumeRequestSchema,
  EventSchema,
  type AckRequest,
  type ConsumeRequest,
  type ConsumeBatchRequest,
  type EventBatchSchema,
} from "#gen/events/events_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { ConsumeOptions, Consumer, Events } from "#interface/events.ts";
import { holdRight } from "#interface/hold-right.ts";
import { requireAccount } from "#interface/namespace-access.ts";
import { implement, type MethodImplementation } from "#rpc/method.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { consumeStream } from "./consume-stream.ts";
import { requireStream } from "./events-access.ts";
import { toConsumeOptions, toEvent } from "./events-wire.ts";
import { undecodedMessage, type UndecodedMessage } from "./undecoded-message.ts";

const consumeRequest = protoMessage(ConsumeRequestSchema);
const ackRequest = protoMessage(AckRequestSchema);

/** Longer than any stream lasts, and still a moment of the calendar. */
const neverMs = 100 * 365 * 24 * 3_600_000;

/**
 * `Stream.Consume`, declared and published as a server stream. Its callers go on sending on the same stream: the first
 * message says what to consume, each later one acknowledges an event.
 */
export function consumeMethod(events: Events, rules: DataRules | undefined): MethodImplementation {
  const spec = {
    endpoint: "Stream.Consume",
    kind: "bidi_stream",
    publishedKind: "server_stream",
    input: undecodedMessage(consumeRequest),
    output: protoMessage(EventSchema),
  } as const;
  return implement(spec, (messages: AsyncIterable<UndecodedMessage>, call: ServerCall) =>
    consume({ events, rules }, messages, call),
  );
}

/** Topics, and who may consume them. */
interface Topics {
  readonly events: Events;
  readonly rules: DataRules | undefined;
}

async function* consume(
  { events, rules }: Topics,
  messages: AsyncIterable<UndecodedMessage>,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof EventSchema>> {
  const { first, answers } = await takeFirst(messages);
  const request = first.as(consumeRequest);
  const options = readOptions(rules, call, request);
  const sent = new SentEvents(options);
  const onAnswer = (consumer: Consumer, answer: UndecodedMessage): void => {
    answerOne(consumer, sent, answer.as(ackRequest));
  };
  const check = (): void => void readOptions(rules, call, request);
  const batches = holdRight({ rules, signal: call.signal, check }, (signal) =>
    consumeStream({ events, options, signal, answers, onAnswer }),
  );
  for await (const { consumer, batch } of batches) {
    for (const event of batch) {
      if (!request.autoAck) sent.add(event);
      yield toEvent(event);
      if (request.autoAck) consumer.acknowledge([event.sequence]);
    }
  }
}

/** `Stream.ConsumeBatch`: the same with batches both ways, and places instead of ids. */
export async function* consumeBatches(
  { events, rules }: Topics,
  messages: AsyncIterable<ConsumeBatchRequest>,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof EventBatchSchema>> {
  requireAccount(call.account, call.endpoint);
  const { first, answers } = await takeFirst(messages);
  if (first.consume === undefined) {
    throw new MicroError("invalid_argument", "the first message has to say what to consume, in `consume`");
  }
  const { autoAck } = first.consume;
  const options = readOptions(rules, call, first.consume);
  const onAnswer = (consumer: Consumer, answer: ConsumeBatchRequest): void => {
    if (answer.consume !== undefined) {
      throw new MicroError("invalid_argument", "only the first message says what to consume");
    }
    if (answer.done.length > 0) consumer.acknowledge(answer.done.map(Number));
    for (const { sequence, delayMs } of answer.nacks) {
      consumer.refuse(Number(sequence), delayMs === 0n ? undefined : Number(delayMs));
    }
    if (answer.waiting.length > 0) consumer.extend(answer.waiting.map(Number));
    if (answer.returned.length > 0) consumer.giveBack(answer.returned.map(Number));
  };
  const wanted = first.consume;
  const check = (): void => void readOptions(rules, call, wanted);
  const batches = holdRight({ rules, signal: call.signal, check }, (signal) =>
    consumeStream({ events, options, signal, answers, onAnswer, leavesAtEnd: !autoAck }),
  );
  for await (const { consumer, batch } of batches) {
    yield { events: batch.map(toEvent) };
    if (autoAck) consumer.acknowledge(batch.map((each) => each.sequence));
  }
}

/**
 * What a caller wants. For one that acknowledges nothing we do it, once an event is on its way: what waits for a slow
 * reader that never comes back is for others.
 */
function readOptions(rules: DataRules | undefined, call: ServerCall, request: ConsumeRequest): ConsumeOptions {
  const namespace = requireStream(rules, call, { topics: [request.topic], right: "consume" });
  const options = toConsumeOptions(request, namespace);
  return request.autoAck ? { ...options, isAutoAck: false, ackWaitMs: neverMs, retryCountMax: -1 } : options;
}

function answerOne(consumer: Consumer, sent: SentEvents, { id, success }: AckRequest): void {
  const sequence = sent.take(id);
  // One that we do not know was answered before, or is somebody else's by now.
  if (sequence === undefined) return;
  if (success) consumer.acknowledge([sequence]);
  else consumer.refuse(sequence);
}

/** The first message, and the others still to come. @throws MicroError `invalid_argument` when there is none. */
async function takeFirst<T>(
  messages: AsyncIterable<T>,
): Promise<{ readonly first: T; readonly answers: AsyncIterator<T> }> {
  const answers = messages[Symbol.asyncIterator]();
  const first = await answers.next();
  if (first.done !== true) return { first: first.value, answers };
  throw new MicroError("invalid_argument", "the call ended before its first message");
}

/** Where the events of one stream have their place: this stream's callers acknowledge by id. */
class SentEvents {
  readonly #countMax: number;
  readonly #sequenceById = new Map<string, number>();

  constructor({ pendingCountMax = limits.eventPendingCountMax }: ConsumeOptions) {
    // Some of what was sent may be somebody else's by now, of which nobody tells us.
    this.#countMax = 2 * pendingCountMax;
  }

  add({ id, sequence }: { readonly id: string; readonly sequence: number }): void {
    this.#sequenceById.delete(id);
    this.#sequenceById.set(id, sequence);
    if (this.#sequenceById.size <= this.#countMax) return;
    for (const oldest of this.#sequenceById.keys()) {
      this.#sequenceById.delete(oldest);
      return;
    }
  }

  take(id: string): number | undefined {
    const sequence = this.#sequenceById.get(id);
    this.#sequenceById.delete(id);
    return sequence;
  }
}
