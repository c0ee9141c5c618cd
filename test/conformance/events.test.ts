import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import { defineEventsSuite } from "#conformance/events-suite.ts";
import { createEvents } from "#core/events/log-events.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { startRemoteEvents } from "./events-server.ts";

defineEventsSuite("events on MemoryEventLog", async () => {
  const log = new MemoryEventLog({ clock: systemClock });
  const events = createEvents({ log, clock: systemClock, logger: silentLogger });
  return { events, [Symbol.asyncDispose]: () => events.stop() };
});

defineEventsSuite("events over gRPC", () => startRemoteEvents({ encoding: "proto" }));

defineEventsSuite("events over gRPC in JSON", () => startRemoteEvents({ encoding: "json" }));
