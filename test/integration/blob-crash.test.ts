import { describe, expect, it } from "bun:test";
import { readdir } from "node:fs/promises";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { runAndKill } from "./run-and-kill.ts";

const program = new URL("../fixtures/write-blobs.ts", import.meta.url).pathname;
const roundCount = 10;

async function contentFiles(folder: string): Promise<string[]> {
  const names = await readdir(`${folder}/blobs`, { recursive: true });
  return names.filter((name) => /[0-9a-f]{32}$/.test(name));
}

describe("FileBlobs after kill -9", () => {
  it(
    "has every blob that was acknowledged, whole, and nothing else",
    async () => {
      await using temp = await createTempFolder();
      /** Checksum, or `deleting` and `deleted`, by key: what was said last. */
      const acknowledged = new Map<string, string>();
      for (let round = 0; round < roundCount; round += 1) {
        for (const line of await runAndKill({ program, args: [temp.path, String(round)], lineCountMax: 60 })) {
          const [key = "", said = ""] = line.split(" ");
          acknowledged.set(key, said);
        }
        const store = await SqliteStore.open({ folder: `${temp.path}/store` });
        const blobs = await FileBlobs.open({ folder: `${temp.path}/blobs`, store });
        const infos = new Map((await blobs.list("micro")).map((info) => [info.key, info]));
        for (const [key, said] of acknowledged) {
          if (said === "deleted") expect(infos.get(key)).toBeUndefined();
          else if (said !== "deleting" && key !== "shared") expect([key, infos.get(key)?.sha256]).toEqual([key, said]);
        }
        // Reading to the end compares the checksum.
        for (const key of infos.keys()) {
          let sizeBytes = 0;
          const found = await blobs.read({ namespace: "micro", key });
          for await (const piece of found?.content ?? []) sizeBytes += piece.length;
          expect(sizeBytes).toBe(infos.get(key)?.sizeBytes ?? -1);
        }
        await blobs.swept();
        expect((await contentFiles(temp.path)).length).toBe(infos.size);
        expect(await readdir(`${temp.path}/blobs/incoming`)).toEqual([]);
        await blobs.close();
        await store.close();
      }
      expect(acknowledged.size).toBeGreaterThan(roundCount);
    },
    { timeout: 120_000 },
  );
});
