import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import {
  AckRequestSchema,
  ConsumeRequestSchema,
  EventSchema,
  type AckRequest,
  type ConsumeBatchRequest,
  type EventBatchSchema,
} from "#gen/events/events_pb.ts";
import type { ConsumeOptions, Consumer, Events } from "#interface/events.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import { implement, type MethodImplementation } from "#rpc/method.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { consumeStream } from "./consume-stream.ts";
import { toConsumeOptions, toEvent } from "./events-wire.ts";
import { undecodedMessage, type UndecodedMessage } from "./undecoded-message.ts";

const consumeRequest = protoMessage(ConsumeRequestSchema);
const ackRequest = protoMessage(AckRequestSchema);

/**
 * `Stream.Consume`, declared and published as a server stream. Its callers go on sending on the same stream: the first
 * message says what to consume, each later one acknowledges an event.
 */
export function consumeMethod(events: Events): MethodImplementation {
  const spec = {
    endpoint: "Stream.Consume",
    kind: "bidi_stream",
    publishedKind: "server_stream",
    input: undecodedMessage(consumeRequest),
    output: protoMessage(EventSchema),
  } as const;
  return implement(spec, (messages: AsyncIterable<UndecodedMessage>, call: ServerCall) =>
    consume(events, messages, call),
  );
}

async function* consume(
  events: Events,
  messages: AsyncIterable<UndecodedMessage>,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof EventSchema>> {
  const { first, answers } = await takeFirst(messages);
  const options = readOptions(call, first.as(consumeRequest));
  const sent = new SentEvents(options);
  const onAnswer = (consumer: Consumer, answer: UndecodedMessage): void => {
    answerOne(consumer, sent, answer.as(ackRequest));
  };
  for await (const batch of consumeStream({ events, options, signal: call.signal, answers, onAnswer })) {
    for (const event of batch) {
      sent.add(event);
      yield toEvent(event);
    }
  }
}

/** `Stream.ConsumeBatch`: the same with batches both ways, and places instead of ids. */
export async function* consumeBatches(
  events: Events,
  messages: AsyncIterable<ConsumeBatchRequest>,
  call: ServerCall,
): AsyncGenerator<MessageInitShape<typeof EventBatchSchema>> {
  const { first, answers } = await takeFirst(messages);
  if (first.consume === undefined) {
    throw new MicroError("invalid_argument", "the first message has to say what to consume, in `consume`");
  }
  const options = readOptions(call, first.consume);
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
  const leavesAtEnd = options.isAutoAck !== true;
  const stream = { events, options, signal: call.signal, answers, onAnswer, leavesAtEnd };
  for await (const batch of consumeStream(stream)) {
    yield { events: batch.map(toEvent) };
  }
}

function readOptions(call: ServerCall, request: Parameters<typeof toConsumeOptions>[0]): ConsumeOptions {
  requireNamespaceAdmin(call.account, call.namespace, call.endpoint);
  return toConsumeOptions(request, call.namespace);
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
  readonly #isAutoAck: boolean;
  readonly #countMax: number;
  readonly #sequenceById = new Map<string, number>();

  constructor({ isAutoAck = false, pendingCountMax = limits.eventPendingCountMax }: ConsumeOptions) {
    this.#isAutoAck = isAutoAck;
    // Some of what was sent may be somebody else's by now, of which nobody tells us.
    this.#countMax = 2 * pendingCountMax;
  }

  add({ id, sequence }: { readonly id: string; readonly sequence: number }): void {
    if (this.#isAutoAck) return;
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
