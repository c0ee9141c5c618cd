import { MicroError } from "#base/error.ts";
import { Store, Stream } from "#gen/events/events_pb.ts";
import type { Events } from "#interface/events.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import { implement, type MethodImplementation } from "#rpc/method.ts";
import { protoMethod, protoMethods, type ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { consumeBatches, consumeMethod } from "./consume-methods.ts";
import {
  requireTopicName,
  toEvent,
  toEventQuery,
  toGroup,
  toNewEvent,
  toPublishResponse,
  toRetention,
  toTopic,
} from "./events-wire.ts";
import { publishBatchInput, publishBatchOutput } from "./publish-batch.ts";

export interface EventsMethodsDeps {
  readonly events: Events;
}

const publishBatchSpec = {
  ...protoMethod(Stream.method.publishBatch),
  input: publishBatchInput,
  output: publishBatchOutput,
};

/** All methods of the core service `events`, for its service table. Services and administrators of a namespace use its topics. */
export function eventsMethods({ events }: EventsMethodsDeps): readonly MethodImplementation[] {
  return [
    ...protoMethods(Stream, streamHandlers(events)),
    implement(publishBatchSpec, (given, call) => events.publish(requireRight(call), given)),
    consumeMethod(events),
    ...protoMethods(Store, storeHandlers(events)),
  ];
}

function streamHandlers(events: Events): ProtoHandlers<typeof Stream> {
  return {
    publish: async (request, call) => {
      const namespace = requireRight(call);
      const [published] = await events.publish(namespace, [toNewEvent(request)]);
      return published === undefined ? {} : toPublishResponse(published);
    },
    consumeBatch: (requests, call) => consumeBatches(events, requests, call),
    ack: async ({ id, success, topic, group }, call) => {
      const key = { ...toTopicKey(call, topic), group };
      if (success) await events.acknowledge(key, [id]);
      else await events.refuse(key, id);
      return {};
    },
    listGroups: async ({ topic }, call) => {
      const groups = await events.groups(requireRight(call), topic === "" ? undefined : topic);
      return { groups: groups.map(toGroup) };
    },
    listTopics: async (_, call) => ({ topics: (await events.topics(requireRight(call))).map(toTopic) }),
    setRetention: async ({ topic, retention }, call) => {
      await events.setRetention(toTopicKey(call, topic), toRetention(retention));
      return {};
    },
    deleteTopic: async ({ topic }, call) => {
      await events.deleteTopic(toTopicKey(call, topic));
      return {};
    },
    deleteGroup: async ({ topic, group }, call) => {
      await events.deleteGroup({ ...toTopicKey(call, topic), group });
      return {};
    },
    redrive: async ({ topic, group, limit }, call) => {
      const count = await events.redrive({ ...toTopicKey(call, topic), group }, Number(limit));
      return { count: BigInt(count) };
    },
  };
}

function storeHandlers(events: Events): ProtoHandlers<typeof Store> {
  return {
    read: async (request, call) => {
      const found = await events.read(toEventQuery(request, requireRight(call)));
      return { events: found.map(toEvent) };
    },
    write: () => {
      throw new MicroError("unimplemented", "events are written by Stream.Publish, not by Store.Write");
    },
  };
}

function toTopicKey(call: ServerCall, topic: string): { readonly namespace: string; readonly topic: string } {
  return { namespace: requireRight(call), topic: requireTopicName(topic) };
}

function requireRight(call: ServerCall): string {
  requireNamespaceAdmin(call.account, call.namespace, call.endpoint);
  return call.namespace;
}
