import type { NewEvent } from "#interface/events.ts";
import { runtimeTopic, type RuntimeEvent } from "#interface/runtime-event.ts";

/** A thing that happened, and when. */
export interface TimedEvent {
  readonly event: RuntimeEvent;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/**
 * An event of the runtime as it is published: `{Type, Service, Namespace}` as Micro's, with `Instance` and `Reason` where
 * there are. How a service is run is no part of it, since its environment may hold secrets.
 */
export function toNewEvent({ event, timestampMs }: TimedEvent): Omit<NewEvent, "id"> {
  const { type, instance, reason } = event;
  const { namespace, name, version, source, metadata } = event.service;
  const service = {
    name,
    version,
    ...(source === undefined ? {} : { source: metadata?.["source"] ?? source }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const payload = {
    Type: `service.${type}`,
    Service: service,
    Namespace: namespace,
    ...(instance === undefined ? {} : { Instance: instance }),
    ...(reason === undefined ? {} : { Reason: reason }),
  };
  return {
    topic: runtimeTopic,
    payload: new TextEncoder().encode(JSON.stringify(payload)),
    metadata: { type: payload.Type, namespace },
    timestampMs,
  };
}
