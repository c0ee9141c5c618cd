import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { AsyncQueue } from "./async-queue.ts";
import { MicroError } from "./error.ts";

describe("AsyncQueue", () => {
  it("hands out what was pushed, in order, however pushes and reads interleave", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 200 }), async (turns) => {
        const queue = new AsyncQueue<number>(1_000);
        const reads: Promise<IteratorResult<number, undefined>>[] = [];
        let pushed = 0;
        for (const isPush of turns) {
          if (isPush) queue.push(pushed++);
          else if (queue.size > 0) reads.push(queue.next());
        }
        queue.close();
        const seen = (await Promise.all(reads)).map((each) => each.value);
        for await (const rest of queue) seen.push(rest);
        expect(seen).toEqual(Array.from({ length: pushed }, (_, index) => index));
      }),
    );
  });

  it("refuses what is above its brim", () => {
    const queue = new AsyncQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
  });

  it("gives the reader what waits before the failure", async () => {
    const queue = new AsyncQueue<number>(2);
    queue.push(1);
    queue.close(new MicroError("unavailable", "gone"));
    expect(await queue.next()).toEqual({ done: false, value: 1 });
    await expect(queue.next()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("tells its owner when the reader leaves early", async () => {
    let left = 0;
    const queue = new AsyncQueue<number>(2, () => (left += 1));
    queue.push(1);
    for await (const _item of queue) break;
    expect(left).toBe(1);
    expect(queue.push(2)).toBe(false);
  });
});
