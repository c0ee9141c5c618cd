import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MessageBuffer } from "./message-buffer.ts";
import { MessageSharer, type SharedMessage } from "./shared-message.ts";

const limit = { countMax: 5, bytesMax: 200 };

function message(bodyBytes: number): SharedMessage {
  return new MessageSharer().share({ topic: "t", header: {}, body: new Uint8Array(bodyBytes) });
}

describe("MessageBuffer", () => {
  it("does what a list does that is cut at its beginning", () => {
    const action = fc.oneof(fc.nat(120), fc.constant("take" as const));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const buffer = new MessageBuffer(limit);
        const model: SharedMessage[] = [];
        for (const each of actions) {
          if (each === "take") {
            const taken = buffer.take({ countMax: 3, bytesMax: 150 });
            expect(taken).toEqual(model.splice(0, taken.length));
            expect(taken.length).toBeGreaterThanOrEqual(model.length + taken.length > 0 ? 1 : 0);
            continue;
          }
          const added = message(each);
          model.push(added);
          let expectedCount = 0;
          const bytes = (): number => model.reduce((sum, one) => sum + one.byteCount, 0);
          while (model.length > limit.countMax || (bytes() > limit.bytesMax && model.length > 1)) {
            model.shift();
            expectedCount += 1;
          }
          expect(buffer.push(added)).toBe(expectedCount);
          expect(buffer.count).toBe(model.length);
        }
      }),
    );
  });

  it("keeps one message that is above the limit alone", () => {
    const buffer = new MessageBuffer(limit);
    buffer.push(message(10));
    expect(buffer.push(message(1_000))).toBe(1);
    expect(buffer.take({ countMax: 10, bytesMax: 1 })).toHaveLength(1);
  });

  it("goes on in order over thousands of messages", () => {
    const buffer = new MessageBuffer({ countMax: 3_000, bytesMax: 1_000_000 });
    const all = Array.from({ length: 10_000 }, () => message(1));
    for (const each of all) buffer.push(each);
    expect(buffer.take({ countMax: 10_000, bytesMax: 1_000_000 })).toEqual(all.slice(-3_000));
    expect(buffer.count).toBe(0);
  });
});
