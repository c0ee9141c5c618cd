import type { Metadata } from "#base/metadata.ts";
import type { ServiceKey } from "./runtime.ts";

/** Where each namespace finds what happens to its services, as in Micro. */
export const runtimeTopic = "runtime";

/** What happens to a service, and to one process of it where an instance is named. */
export const runtimeEventTypes = [
  "created",
  /** Its source is being built; `built` or `build_failed` follows. */
  "building",
  "built",
  "build_failed",
  /** A process was started. */
  "started",
  /** It is registered and answers. */
  "healthy",
  /** It runs and does not answer. */
  "unhealthy",
  /** It ended by itself. */
  "crashed",
  /** It was ended. */
  "stopped",
  /** The new source answers, and the old has gone. */
  "updated",
  /** The new one did not come, or was taken back: the one before serves. */
  "rolled_back",
  "restarted",
  "scaled",
  "deleted",
] as const;
export type RuntimeEventType = (typeof runtimeEventTypes)[number];

export interface RuntimeEvent {
  readonly type: RuntimeEventType;
  readonly service: ServiceKey & { readonly source?: string; readonly metadata?: Metadata };
  readonly instance?: string;
  /** Why, one line for a person. */
  readonly reason?: string;
}

/** Whom the runtime tells what happens. */
export interface RuntimeEventSink {
  /** Returns at once and never throws: nothing that runs waits for who listens. */
  emit(event: RuntimeEvent): void;
}
