import type { ConsumedEvent, Events, GroupState } from "#service/events.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** The first so many events of a loop, acknowledged. */
export async function take(source: AsyncIterable<ConsumedEvent>, count: number): Promise<ConsumedEvent[]> {
  const taken: ConsumedEvent[] = [];
  for await (const event of source) {
    taken.push(event);
    event.ack();
    if (taken.length === count) break;
  }
  return taken;
}

export function texts(found: readonly { text(): string }[]): string[] {
  return found.map((each) => each.text());
}

/** As many different payloads, in order. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

/** The group's state once its consumers are gone. */
export function settled(events: Events, topic: string, group: string): Promise<GroupState> {
  return waitUntil("the group's consumers to leave", async () =>
    (await events.groups(topic)).find((each) => each.name === group && each.consumers === 0),
  );
}
