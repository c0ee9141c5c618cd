import { systemClock } from "#base/clock.ts";
import { silentLogger } from "#base/logger.ts";
import { defineEventsSuite } from "#conformance/events-suite.ts";
import { createEvents } from "#core/events/log-events.ts";
import { MemoryEventLog } from "#core/events/memory-event-log.ts";
import { SqliteEventLog } from "#core/events/sqlite-event-log.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { startRemoteEvents } from "./events-server.ts";

defineEventsSuite("events on MemoryEventLog", async () => {
  const log = new MemoryEventLog({ clock: systemClock });
  const events = createEvents({ log, clock: systemClock, logger: silentLogger });
  return { events, [Symbol.asyncDispose]: () => events.stop() };
});

defineEventsSuite("events on SqliteEventLog", async () => {
  const folder = await createTempFolder();
  const log = await SqliteEventLog.open({ folder: folder.path });
  const events = createEvents({ log, clock: systemClock, logger: silentLogger });
  return {
    events,
    [Symbol.asyncDispose]: async () => {
      await events.stop();
      await log.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

defineEventsSuite("events over gRPC", () => startRemoteEvents({ encoding: "proto" }));

defineEventsSuite("events over gRPC in JSON", () => startRemoteEvents({ encoding: "json" }));
