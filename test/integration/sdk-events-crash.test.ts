import { describe, expect, it } from "bun:test";
import { createClient } from "#service/client.ts";
import { createEvents, type Events, type PublishedEvent } from "#service/events.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

const program = new URL("../fixtures/serve-events.ts", import.meta.url).pathname;
const topic = "orders";
const roundCount = 6;
/** So many that two calls are under way. */
const laneCount = 800;

interface EventsProcess {
  readonly address: string;
  kill(): Promise<unknown>;
}

async function serve(folder: string, address?: string): Promise<EventsProcess> {
  const args = address === undefined ? [folder] : [folder, address];
  const child = Bun.spawn([process.execPath, program, ...args], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  return {
    address: new TextDecoder().decode(value).trim(),
    kill: () => {
      child.kill("SIGKILL");
      return child.exited;
    },
  };
}

/** Many publishers of one client, each waiting for its event before the next, until the signal aborts. */
class Load {
  readonly answers = new Map<string, PublishedEvent>();
  readonly #events: Events;
  readonly #stop = new AbortController();
  readonly #lanes: Promise<void>[];

  constructor(events: Events) {
    this.#events = events;
    this.#lanes = Array.from({ length: laneCount }, (_, lane) => this.#publish(lane));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#lanes);
  }

  async #publish(lane: number): Promise<void> {
    for (let index = 0; !this.#stop.signal.aborted; index += 1) {
      const text = `${lane}:${index}`;
      this.answers.set(text, await this.#events.publish(topic, text));
    }
  }
}

describe("Events.publish() to a server that is killed under load", () => {
  it("appends each event once, in order, and says where", async () => {
    await using folder = await createTempFolder();
    let server = await serve(folder.path);
    const { address } = server;
    const client = createClient({ address, token: "any", namespace: "micro" });
    try {
      const events = createEvents(client);
      const load = new Load(events);
      for (let round = 0; round < roundCount; round += 1) {
        const enough = load.answers.size + 1_000 + Math.floor(Math.random() * 4_000);
        await waitUntil("enough answers", () => load.answers.size >= enough);
        await server.kill();
        server = await serve(folder.path, address);
      }
      await load.end();
      const found = await Array.fromAsync(events.history(topic, { start: "earliest" }));
      const texts = found.map((each) => each.text());
      expect(new Set(texts).size).toBe(texts.length);
      expect(texts.length).toBe(load.answers.size);
      const wrong = found.filter((each) => {
        const { id, sequence, isDuplicate } = load.answers.get(each.text()) ?? {};
        return id !== each.id || sequence !== each.sequence || isDuplicate;
      });
      expect(wrong).toEqual([]);
      for (let lane = 0; lane < laneCount; lane += 1) {
        const own = texts.filter((each) => each.startsWith(`${lane}:`));
        expect(own).toEqual(own.map((_, index) => `${lane}:${index}`));
      }
    } finally {
      await client.stop();
      await server.kill();
    }
  }, 60_000);
});
