import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import { Broker as BrokerService, EmptySchema, type Empty, type StatsResponseSchema } from "#gen/broker/broker_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Broker, BrokerMessage, Subscription } from "#interface/broker.ts";
import { holdRight, type HeldRight } from "#interface/hold-right.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import { implement, type MethodImplementation } from "#rpc/method.ts";
import { protoMethod, protoMethods } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { requireBrokerNamespace, requirePublish, requireSubscribe } from "./broker-namespace.ts";
import { createDeliveryType, messageType, publishBatchType } from "./broker-wire.ts";
import type { PublishItem } from "./decode-publish-batch.ts";
import { deliver, deliverSingly } from "./deliver.ts";
import { createDeliveredHeader, createHeaderSource, type Header } from "./delivered-header.ts";

/** All methods of the core service `broker`, for its service table. */
export function brokerMethods({
  broker,
  rules,
}: {
  readonly broker: Broker;
  /** Rules about topics. @default none: every account of a namespace uses its topics */
  readonly rules?: DataRules;
}): readonly MethodImplementation[] {
  const right = { broker, rules };
  const { method } = BrokerService;
  return [
    ...protoMethods(BrokerService, {
      publish: (request, call) => publish(right, [request], call),
      stats: (_request, call) => readStats(broker, call),
    }),
    implement({ ...protoMethod(method.publishBatch), input: publishBatchType }, (request, call) =>
      publish(right, request.messages, call),
    ),
    implement({ ...protoMethod(method.subscribe), output: messageType }, (request, call) =>
      holdRight(rightOf(rules, request, call), (signal) => deliverSingly(subscribe(right, request, { call, signal }))),
    ),
    implement({ ...protoMethod(method.subscribeBatch), output: createDeliveryType() }, (request, call) =>
      holdRight(rightOf(rules, request, call), (signal) => deliver(subscribe(right, request, { call, signal }))),
    ),
  ];
}

/** Topics, and who may use them. */
interface Topics {
  readonly broker: Broker;
  readonly rules: DataRules | undefined;
}

function publish({ broker, rules }: Topics, items: readonly PublishItem[], call: ServerCall): Empty {
  const namespace = requirePublish(rules, items, call);
  broker.publish(namespace, toMessages(items, call, namespace));
  return create(EmptySchema);
}

/** The messages as their subscribers get them. Those whose headers are the same object still share one afterwards. */
function toMessages(items: readonly PublishItem[], call: ServerCall, namespace: string): BrokerMessage[] {
  const source = createHeaderSource(call.metadata, namespace);
  let own: Header | undefined;
  let header: Header = {};
  return items.map(({ topic, message }, index) => {
    const at = items.length === 1 ? "" : ` of message ${index + 1} of ${items.length}`;
    if (topic === "") throw new MicroError("invalid_argument", `Missing topic${at}`, { at: call.endpoint });
    if (message === undefined) throw new MicroError("invalid_argument", `Missing message${at}`, { at: call.endpoint });
    if (message.header !== own) {
      own = message.header;
      header = createDeliveredHeader(own, source);
    }
    return { topic, header, body: message.body };
  });
}

interface SubscribeRequest {
  readonly topic?: string;
  readonly queue?: string;
}

/** Who listens goes on listening for as long as the rules let him. */
function rightOf(rules: DataRules | undefined, { topic = "" }: SubscribeRequest, call: ServerCall): HeldRight {
  return { rules, signal: call.signal, check: () => void requireSubscribe(rules, topic, call) };
}

function subscribe(
  { broker, rules }: Topics,
  request: SubscribeRequest,
  { call, signal }: { readonly call: ServerCall; readonly signal: AbortSignal },
): Subscription {
  const { topic = "", queue = "" } = request;
  if (topic === "") {
    requireBrokerNamespace(call);
    throw new MicroError("invalid_argument", "Missing topic", { at: call.endpoint });
  }
  const namespace = requireSubscribe(rules, topic, call);
  return broker.subscribe({ namespace, topic, queue, signal });
}

function readStats(broker: Broker, call: ServerCall): MessageInitShape<typeof StatsResponseSchema> {
  const namespace = requireBrokerNamespace(call);
  requireNamespaceAdmin(call.account, namespace, call.endpoint);
  const { subscriptions, published, unheard } = broker.state(namespace);
  return {
    subscriptions: subscriptions.map(({ topic, queue, delivered, dropped, waiting }) => ({
      topic,
      queue,
      delivered: BigInt(delivered),
      dropped: BigInt(dropped),
      waiting: BigInt(waiting),
    })),
    published: BigInt(published),
    unheard: BigInt(unheard),
  };
}
