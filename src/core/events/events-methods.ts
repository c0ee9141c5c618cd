import { MicroError } from "#base/error.ts";
import { Store, Stream } from "#gen/events/events_pb.ts";
import type { DataRules } from "#interface/auth.ts";
import type { Events, NewEvent } from "#interface/events.ts";
import { requireAccount } from "#interface/namespace-access.ts";
import { implement, type MethodImplementation } from "#rpc/method.ts";
import { protoMethod, protoMethods, type ProtoHandlers } from "#rpc/proto-service.ts";
import { consumeBatches, consumeMethod } from "./consume-methods.ts";
import { requireStream, requireTopic } from "./events-access.ts";
import { toEvent, toEventQuery, toGroup, toNewEvent, toPublishResponse, toRetention, toTopic } from "./events-wire.ts";
import { publishBatchInput, publishBatchOutput } from "./publish-batch.ts";

export interface EventsMethodsDeps {
  readonly events: Events;
  /** Rules about topics. @default none: services and administrators of a namespace use its topics */
  readonly rules?: DataRules;
}

const publishBatchSpec = {
  ...protoMethod(Stream.method.publishBatch),
  input: publishBatchInput,
  output: publishBatchOutput,
};

/** All methods of the core service `events`, for its service table. */
export function eventsMethods({ events, rules }: EventsMethodsDeps): readonly MethodImplementation[] {
  return [
    ...protoMethods(Stream, streamHandlers(events, rules)),
    implement(publishBatchSpec, async ({ batch, events: given }, call) => {
      const namespace = requireStream(rules, call, { topics: topicsOf(given), right: "publish" });
      if (batch === undefined) return { events: await events.publish(namespace, given) };
      return { runs: await events.publishBatch(namespace, batch, given) };
    }),
    consumeMethod(events, rules),
    ...protoMethods(Store, storeHandlers(events, rules)),
  ];
}

/** Most batches are for one topic, so that a look at the one before spares most of the work. */
function topicsOf(events: readonly NewEvent[]): ReadonlySet<string> {
  const topics = new Set<string>();
  let last: string | undefined;
  for (const { topic } of events) {
    if (topic !== last) topics.add(topic);
    last = topic;
  }
  return topics;
}

function streamHandlers(events: Events, rules: DataRules | undefined): ProtoHandlers<typeof Stream> {
  return {
    publish: async (request, call) => {
      const { namespace } = requireTopic(rules, call, { topic: request.topic, right: "publish" });
      const [published] = await events.publish(namespace, [toNewEvent(request)]);
      return published === undefined ? {} : toPublishResponse(published);
    },
    consumeBatch: (requests, call) => consumeBatches({ events, rules }, requests, call),
    ack: async ({ id, success, topic, group }, call) => {
      const key = { ...requireTopic(rules, call, { topic, right: "consume" }), group };
      if (success) await events.acknowledge(key, [id]);
      else await events.refuse(key, id);
      return {};
    },
    listGroups: async ({ topic }, call) => {
      const namespace = requireStream(rules, call, { topics: [topic === "" ? "*" : topic], right: "list" });
      const groups = await events.groups(namespace, topic === "" ? undefined : topic);
      return { groups: groups.map(toGroup) };
    },
    listTopics: async (_, call) => {
      const topics = await events.topics(requireStream(rules, call, { topics: ["*"], right: "list" }));
      return { topics: topics.map(toTopic) };
    },
    setRetention: async ({ topic, retention }, call) => {
      await events.setRetention(requireTopic(rules, call, { topic, right: "manage" }), toRetention(retention));
      return {};
    },
    deleteTopic: async ({ topic }, call) => {
      await events.deleteTopic(requireTopic(rules, call, { topic, right: "manage" }));
      return {};
    },
    deleteGroup: async ({ topic, group }, call) => {
      await events.deleteGroup({ ...requireTopic(rules, call, { topic, right: "manage" }), group });
      return {};
    },
    redrive: async ({ topic, group, limit }, call) => {
      const key = { ...requireTopic(rules, call, { topic, right: "manage" }), group };
      const count = await events.redrive(key, Number(limit));
      return { count: BigInt(count) };
    },
  };
}

function storeHandlers(events: Events, rules: DataRules | undefined): ProtoHandlers<typeof Store> {
  return {
    read: async (request, call) => {
      const { namespace } = requireTopic(rules, call, { topic: request.topic, right: "read" });
      const found = await events.read(toEventQuery(request, namespace));
      return { events: found.map(toEvent) };
    },
    write: (_, call) => {
      requireAccount(call.account, call.endpoint);
      throw new MicroError("unimplemented", "events are written by Stream.Publish, not by Store.Write");
    },
  };
}
