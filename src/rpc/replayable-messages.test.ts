import { describe, expect, it } from "bun:test";
import { ReplayableMessages } from "./replayable-messages.ts";

const message = (text: string): Uint8Array => Buffer.from(text);

async function* three(): AsyncGenerator<Uint8Array> {
  yield message("a");
  yield message("b");
  yield message("c");
}

async function texts(messages: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of messages) all.push(Buffer.from(each).toString());
  return all;
}

describe("ReplayableMessages.read()", () => {
  it("gives all messages again to a second reader", async () => {
    const messages = new ReplayableMessages(three());
    expect(await texts(messages.read())).toEqual(["a", "b", "c"]);
    expect(await texts(messages.read())).toEqual(["a", "b", "c"]);
  });

  it("gives a message that a former reader still waited for to the present one", async () => {
    let give: (text: string) => void = () => undefined;
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield message("first");
      yield message(
        await new Promise<string>((resolve) => {
          give = resolve;
        }),
      );
    }
    const messages = new ReplayableMessages(slow());
    const former = messages.read();
    await former.next();
    const abandoned = former.next();
    const present = texts(messages.read());
    give("second");
    expect(await present).toEqual(["first", "second"]);
    expect((await abandoned).done).toBe(true);
    expect(await texts(messages.read())).toEqual(["first", "second"]);
  });

  it("keeps nothing after it is settled, or after too many messages", async () => {
    const settled = new ReplayableMessages(three());
    settled.settle();
    expect(settled.canReplay).toBe(false);
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 1_000; index += 1) yield message("x");
    }
    const long = new ReplayableMessages(many());
    expect((await texts(long.read())).length).toBe(1_000);
    expect(long.canReplay).toBe(false);
  });
});
