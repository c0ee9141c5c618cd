import { describe, expect, it } from "bun:test";
import { EventReader } from "#conformance/event-reader.ts";
import type { Events } from "#interface/events.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { connectEvents } from "../conformance/connect-events.ts";

const program = new URL("../fixtures/serve-events.ts", import.meta.url).pathname;
const namespace = "micro";
const topic = "orders";
const groups = ["one", "two"] as const;
const roundCount = 3;
const payload = new Uint8Array(64);

interface EventsProcess extends AsyncDisposable {
  readonly events: Events;
  kill(): void;
}

/** What was answered, over all rounds: the server may not forget any of it. */
class Promises {
  readonly published = new Set<string>();
  /** By group, what was acknowledged. */
  readonly acknowledged = new Map(groups.map((group) => [group, new Set<string>()]));
  /** By group, what was sent. */
  readonly sent = new Map(groups.map((group) => [group, new Set<string>()]));
  readonly broken: string[] = [];
  answerCount = 0;
}

async function startEventsProcess(folder: string): Promise<EventsProcess> {
  const child = Bun.spawn([process.execPath, program, folder], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const address = new TextDecoder().decode((await reader.read()).value).trim();
  const { events, close } = connectEvents(address);
  return {
    events,
    kill: () => child.kill("SIGKILL"),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await close();
      await child.exited;
    },
  };
}

/** Publishes until the server is gone. */
async function publishOn(events: Events, promises: Promises, name: string): Promise<void> {
  for (let index = 0; ; index += 1) {
    const id = `${name}-${index}`;
    await events.publish(namespace, [{ topic, id, payload }]);
    promises.published.add(id);
    promises.answerCount += 1;
  }
}

/** Consumes and acknowledges by id until the server is gone, or the signal aborts. */
async function consumeOn(
  events: Events,
  promises: Promises,
  { group, signal }: { readonly group: (typeof groups)[number]; readonly signal?: AbortSignal },
): Promise<void> {
  const start = { kind: "earliest" } as const;
  const reader = new EventReader(
    events.consume({
      namespace,
      topic,
      group,
      start,
      ackWaitMs: 60_000,
      retryCountMax: -1,
      pendingCountMax: 16,
      ...(signal !== undefined && { signal }),
    }),
  );
  const acknowledged = promises.acknowledged.get(group);
  for (;;) {
    const { id } = await reader.next();
    if (acknowledged?.has(id) === true) promises.broken.push(`${group} got ${id} again`);
    promises.sent.get(group)?.add(id);
    await events.acknowledge({ namespace, topic, group }, [id]);
    acknowledged?.add(id);
    promises.answerCount += 1;
  }
}

describe("events after kill -9", () => {
  it("are all there, and never again where they were acknowledged", async () => {
    await using folder = await createTempFolder();
    const promises = new Promises();
    for (let round = 0; round < roundCount; round += 1) {
      await using server = await startEventsProcess(folder.path);
      const { events } = server;
      const work = [
        ...["a", "b", "c"].map((name) => publishOn(events, promises, `${round}-${name}`)),
        ...groups.flatMap((group) => [1, 2].map(() => consumeOn(events, promises, { group }))),
      ].map((each) => each.catch(() => undefined));
      const killAt = promises.answerCount + 50 + Math.floor(Math.random() * 300);
      await waitUntil("enough answers", () => promises.answerCount >= killAt);
      server.kill();
      await Promise.all(work);
    }
    await using server = await startEventsProcess(folder.path);
    const leaving = new AbortController();
    const rest = groups.map((group) => consumeOn(server.events, promises, { group, signal: leaving.signal }));
    await waitUntil("both groups to be done", async () => {
      const states = await server.events.groups(namespace, topic);
      return states.length === groups.length && states.every(({ lag }) => lag === 0);
    });
    leaving.abort();
    await Promise.allSettled(rest);
    for (const [group, sent] of promises.sent) {
      for (const id of promises.published) if (!sent.has(id)) promises.broken.push(`${group} never got ${id}`);
    }
    expect(promises.broken).toEqual([]);
  }, 60_000);
});
