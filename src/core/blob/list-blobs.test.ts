import { describe, expect, it } from "bun:test";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import type { BlobInfo, Blobs } from "#interface/blob.ts";
import { listBlobs } from "./list-blobs.ts";

const facts = { sizeBytes: 1, contentType: "", isPublic: false, sha256: "", modifiedAtMs: 0 };

/** Lists so many blobs with the longest keys, and nothing else. */
function manyBlobs(count: number): Blobs {
  const infos: BlobInfo[] = Array.from({ length: count }, (_, index) => ({
    ...facts,
    key: String(index).padStart(limits.blobKeyBytesMax, "0"),
  }));
  const refuse = (): Promise<never> => Promise.reject(new Error("not asked"));
  return {
    write: refuse,
    stat: refuse,
    read: refuse,
    delete: refuse,
    list: async (_namespace, { after = "", limit = 0 } = {}) => {
      const behind = infos.filter(({ key }) => key > after);
      return limit === 0 ? behind : behind.slice(0, limit);
    },
  };
}

const blobs = manyBlobs(10_000);

describe("listBlobs()", () => {
  it("gives all, or as many as are asked for, across the pages that it reads", async () => {
    const few = manyBlobs(2_500);
    const all = await listBlobs(few, "micro", undefined);
    expect(all.map(({ key }) => Number(key))).toEqual(Array.from({ length: 2_500 }, (_, index) => index));
    expect(await listBlobs(few, "micro", { prefix: "", after: "", limit: 1_001n })).toHaveLength(1_001);
    expect(await listBlobs(few, "micro", { prefix: "", after: "", limit: 9_999n })).toHaveLength(2_500);
    expect(await listBlobs(manyBlobs(0), "micro", undefined)).toEqual([]);
  });

  it("refuses a list of all that no message holds", async () => {
    const error = await expectError(listBlobs(blobs, "micro", undefined), "payload_too_large");
    expect(error.detail).toContain("ask for pages");
  });

  it("ends a page early when no more fits, so that pages reach the end", async () => {
    const seen: string[] = [];
    for (let after = ""; ;) {
      const page = await listBlobs(blobs, "micro", { prefix: "", after, limit: 1_000_000n });
      const bytes = page.reduce((sum, { key }) => sum + 2 * key.length, 0);
      expect(bytes).toBeLessThan(limits.messageBytesMax);
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page.map(({ key }) => key));
      after = last.key;
    }
    expect(seen).toHaveLength(10_000);
  });
});
