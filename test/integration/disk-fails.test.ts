import { describe, expect, it } from "bun:test";
import type { MicroError } from "#base/error.ts";
import { createBlobs } from "#service/blob.ts";
import { createClient, type Client } from "#service/client.ts";
import { createConfig } from "#service/config.ts";
import { createEvents } from "#service/events.ts";
import { createStore } from "#service/store.ts";
import { createFailingDisk } from "#testing/failing-disk.ts";
import { canPreload } from "#testing/preload-library.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

async function connect(server: TestServer) {
  const client: Client = createClient({
    address: server.addresses.network,
    token: await server.token(),
    variables: {},
  });
  return {
    client,
    store: createStore(client),
    blobs: createBlobs(client),
    config: createConfig(client),
    // A publisher waits for a disk as it waits for a server, unless he says that he has no time.
    events: createEvents(client, { publishTimeoutMs: 500 }),
  };
}

type Blocks = Awaited<ReturnType<typeof connect>>;

async function writeAll({ store, blobs, config, events }: Blocks, text: string): Promise<void> {
  await store.write(text, text);
  await blobs.write(text, text);
  await config.set(`words.${text}`, text);
  await events.publish("words", text);
}

/** What is kept of `text`: record, blob, setting. */
async function readAll({ store, blobs, config }: Blocks, text: string): Promise<unknown[]> {
  const blob = await blobs.read(text);
  return [await store.readText(text), await blob?.text(), await config.string(`words.${text}`, "")];
}

describe("a server whose disk fails", () => {
  it.skipIf(!canPreload())(
    "refuses writes and says why, goes on reading, and writes again when the disk is well",
    async () => {
      await using folder = await createTempFolder();
      const home = `${folder.path}/m`;
      await using disk = await createFailingDisk(home);
      await using server = await startServer({ env: { ...disk.env, MICRO_HOME: home } });
      const blocks = await connect(server);
      await writeAll(blocks, "before");

      await disk.fail();
      const { store, blobs, config, events } = blocks;
      const attempts = [
        store.write("lost", "x"),
        blobs.write("lost", "x"),
        config.set("words.lost", "x"),
        events.publish("words", "lost"),
      ];
      const refusals = await Promise.all(
        attempts.map((each) =>
          each.then(
            () => undefined,
            (reason: MicroError) => reason,
          ),
        ),
      );
      expect(refusals.map((each) => each?.code)).toEqual(attempts.map(() => "unavailable"));
      for (const each of refusals) expect(each?.detail).toMatch(/disk I\/O error|EIO/);
      expect(await readAll(blocks, "before")).toEqual(["before", "before", "before"]);
      expect(await store.readText("lost")).toBeUndefined();
      expect((await server.micro(["services"])).code).toBe(0);

      await disk.recover();
      await writeAll(blocks, "after");
      await blocks.client.stop();
      await server.kill("SIGKILL");
      await server.start();
      const again = await connect(server);
      expect(await readAll(again, "before")).toEqual(["before", "before", "before"]);
      expect(await readAll(again, "after")).toEqual(["after", "after", "after"]);
      const words = (await again.events.read("words")).map((each) => each.text());
      expect(words.filter((each) => each !== "lost")).toEqual(["before", "after"]);
      await again.client.stop();
    },
    60_000,
  );
});
