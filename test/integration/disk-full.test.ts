import { describe, expect, it } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { createBlobs } from "#service/blob.ts";
import { createClient, type Client } from "#service/client.ts";
import { createConfig } from "#service/config.ts";
import { createEvents } from "#service/events.ts";
import { createStore } from "#service/store.ts";
import { canMountDisk, mountSmallDisk } from "#testing/small-disk.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";

const isMountAllowed = await canMountDisk();
const piece = new Uint8Array(200_000).fill(7);

/** Writes until the server refuses; the refusal, and how many writes it had taken. */
async function fill(write: (index: number) => Promise<unknown>): Promise<{ refusal: MicroError; taken: number }> {
  for (let taken = 0; taken < 1_000; taken += 1) {
    try {
      await write(taken);
    } catch (reason) {
      return { refusal: MicroError.from(reason), taken };
    }
  }
  throw new Error("the disk never was full");
}

async function connect(server: TestServer): Promise<Client> {
  return createClient({ address: server.addresses.network, token: await server.token(), variables: {} });
}

describe("a server whose disk is full", () => {
  it.skipIf(!isMountAllowed)(
    "refuses writes and says why, goes on reading, and writes again when there is room",
    async () => {
      await using disk = await mountSmallDisk(32);
      const ballast = `${disk.path}/ballast`;
      await writeFile(ballast, new Uint8Array(12 * 1_024 * 1_024));
      await using server = await startServer({ env: { MICRO_HOME: `${disk.path}/m` } });
      const client = await connect(server);
      const [store, blobs] = [createStore(client), createBlobs(client)];
      // A publisher waits for a disk as it waits for a server, unless he says that he has no time.
      const events = createEvents(client, { publishTimeoutMs: 500 });
      const config = createConfig(client);
      await config.set("limits.rate", 10);
      await events.publish("orders", { id: 1 });
      await blobs.write("small", "still here");

      const { refusal, taken } = await fill((index) => store.write(`key-${index}`, piece));
      expect(refusal).toMatchObject({
        code: "unavailable",
        detail: expect.stringMatching(/store\.db is full: free some space/),
      });
      expect(taken).toBeGreaterThan(5);
      // Small things may still find room: until they do not, either.
      expect((await fill(() => blobs.write("large", piece.slice(), {}))).refusal.detail).toMatch(
        /full: free some space/,
      );
      expect((await fill(() => events.publish("orders", piece))).refusal.detail).toMatch(/events\.db is full/);

      expect((await store.keys()).length).toBe(taken);
      expect((await store.read(`key-${taken - 1}`))?.value).toEqual(piece);
      expect(await config.int("limits.rate", 0)).toBe(10);
      expect(await (await blobs.read("small"))?.text()).toBe("still here");
      expect((await events.read("orders", { limit: 1 }))[0]?.json<{ id: number }>()).toEqual({ id: 1 });
      expect((await server.micro(["services"])).code).toBe(0);

      await rm(ballast);
      await store.write("after", piece);
      await events.publish("orders", { id: 2 });
      await blobs.write("small", "replaced");
      await config.set("limits.rate", 20);
      await client.stop();

      await server.kill("SIGKILL");
      await server.start();
      const again = await connect(server);
      expect((await createStore(again).keys()).length).toBe(taken + 1);
      expect(await createConfig(again).int("limits.rate", 0)).toBe(20);
      expect(await (await createBlobs(again).read("small"))?.text()).toBe("replaced");
      await again.stop();
    },
  );
});
