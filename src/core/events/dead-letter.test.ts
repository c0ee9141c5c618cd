import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import type { StoredEvent } from "#interface/events.ts";
import { toDeadLetter, toRedriven } from "./dead-letter.ts";

const event: StoredEvent = {
  namespace: "micro",
  topic: "orders",
  id: "x",
  sequence: 4,
  payload: new Uint8Array([1]),
  metadata: { colour: "blue" },
  timestampMs: 5,
};
const givenUp = { group: "mail", attempt: 3, reason: "its consumer refused it" };

describe("toDeadLetter() and toRedriven()", () => {
  it("go there and back with payload, metadata and time", () => {
    const letter = toDeadLetter(event, givenUp);
    expect(letter).toEqual({
      topic: "orders.dead.mail",
      payload: event.payload,
      timestampMs: 5,
      metadata: {
        colour: "blue",
        "micro-dead-topic": "orders",
        "micro-dead-group": "mail",
        "micro-dead-sequence": "4",
        "micro-dead-id": "x",
        "micro-dead-attempts": "3",
        "micro-dead-reason": "its consumer refused it",
      },
    });
    const kept = { ...event, topic: letter.topic, metadata: letter.metadata ?? {} };
    const again = toRedriven(kept, { topic: "orders", group: "mail" });
    expect(again).toEqual({
      topic: "orders",
      payload: event.payload,
      timestampMs: 5,
      metadata: { colour: "blue", "micro-redrive-group": "mail" },
    });
    const second = toDeadLetter({ ...event, sequence: 9, metadata: again.metadata ?? {} }, givenUp);
    expect(second.metadata).toEqual({ ...letter.metadata, "micro-dead-sequence": "9" });
  });

  it("keep as much of large metadata as fits", () => {
    const large = "x".repeat(limits.eventMetadataBytesMax - 600);
    const { metadata = {} } = toDeadLetter(
      { ...event, metadata: { large, more: "ä".repeat(250), small: "s" } },
      givenUp,
    );
    expect(JSON.stringify(metadata).length).toBeLessThanOrEqual(limits.eventMetadataBytesMax);
    expect(metadata).toMatchObject({ large, small: "s", "micro-dead-sequence": "4" });
    expect(metadata["more"]).toBeUndefined();
  });
});
