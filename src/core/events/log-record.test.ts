import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { contentBytes, headBytes, readHead, readId, readMetadata, recordBytesMax, writeRecord } from "./log-record.ts";

const text = fc.string({ unit: "grapheme", maxLength: 200 });
const event = fc.record({
  event: fc.record(
    {
      topic: fc.constant("t"),
      payload: fc.uint8Array({ maxLength: 2_000 }),
      id: text.filter((id) => id !== ""),
      timestampMs: fc.maxSafeNat(),
    },
    { requiredKeys: ["topic", "payload"] },
  ),
  metadata: text,
});

describe("readHead()", () => {
  it("finds what writeRecord() wrote, one record behind the other", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 10 }), (events) => {
        const most = events.reduce((sum, each) => sum + recordBytesMax(each.event, each.metadata), 0);
        const bytes = new Uint8Array(most);
        const view = new DataView(bytes.buffer);
        let end = 0;
        for (const each of events) end = writeRecord({ bytes, view }, end, each.event, each.metadata);
        let at = 0;
        for (const { event, metadata } of events) {
          const head = readHead(view, at);
          expect(head.timestampMs).toBe(event.timestampMs);
          expect(readId(bytes, head)).toBe(event.id);
          expect(readMetadata(bytes, head)).toBe(metadata);
          expect(headBytes(event, metadata) + contentBytes(head)).toBe(head.end - at);
          expect(bytes.slice(head.end - head.payloadBytes, head.end)).toEqual(Uint8Array.from(event.payload));
          at = head.end;
        }
        expect(at).toBe(end);
      }),
    );
  });
});
