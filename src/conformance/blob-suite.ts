import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createHash } from "node:crypto";
import { limits } from "#base/limits.ts";
import type { BlobInfo, BlobRange, Blobs, BlobScope } from "#interface/blob.ts";
import { expectError } from "./expect-error.ts";

/** Blobs under test, and how to get rid of them. */
export interface BlobsUnderTest extends AsyncDisposable {
  readonly blobs: Blobs;
}

const encoder = new TextEncoder();
const pieceBytes = limits.blobPieceBytes;

/** Bytes that look like noise and are the same every time. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1 + length;
  for (let at = 0; at < length; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return bytes;
}

async function* inPieces(bytes: Uint8Array | string, pieceLength = 100_000): AsyncGenerator<Uint8Array> {
  const all = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
  for (let at = 0; at < all.length; at += pieceLength) yield all.subarray(at, at + pieceLength);
}

/** What every blob driver must do. `open` gives an empty one that follows the wall clock. */
export function defineBlobSuite(name: string, open: () => Promise<BlobsUnderTest>): void {
  describe(name, () => {
    let opened: BlobsUnderTest;
    let blobs: Blobs;
    let namespaceCount = 0;
    beforeAll(async () => {
      opened = await open();
      ({ blobs } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    /** A namespace that no other test uses. */
    const fresh = (key = "a"): BlobScope => {
      namespaceCount += 1;
      return { namespace: `suite-${namespaceCount}`, key };
    };
    const readAll = async (scope: BlobScope, range?: BlobRange): Promise<Buffer | undefined> => {
      const found = await blobs.read(scope, range);
      if (found === undefined) return undefined;
      const pieces: Uint8Array[] = [];
      for await (const piece of found.content) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    const readText = async (scope: BlobScope): Promise<string | undefined> => (await readAll(scope))?.toString();
    const keys = (infos: readonly BlobInfo[]): string[] => infos.map((info) => info.key);

    describe("write()", () => {
      it("answers with what it wrote, as stat(), read() and list() do", async () => {
        const scope = fresh("images/a.png");
        const bytes = noise(1_000);
        const beforeMs = Date.now();
        const info = await blobs.write(scope, inPieces(bytes), { contentType: "image/png", isPublic: true });
        expect(info).toEqual({
          key: "images/a.png",
          sizeBytes: 1_000,
          contentType: "image/png",
          isPublic: true,
          sha256: createHash("sha256").update(bytes).digest("hex"),
          modifiedAtMs: expect.any(Number),
        });
        expect(info.modifiedAtMs).toBeGreaterThanOrEqual(beforeMs);
        expect(await blobs.stat(scope)).toEqual(info);
        const found = await blobs.read(scope);
        expect(found?.info).toEqual(info);
        await found?.content[Symbol.asyncIterator]().return?.();
        expect(await blobs.list(scope.namespace)).toEqual([info]);
      });

      it("takes no type and keeps it from the public when nothing is said", async () => {
        expect(await blobs.write(fresh(), inPieces("x"))).toMatchObject({ contentType: "", isPublic: false });
      });

      it.each([0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes, 5_000_000])(
        "gives back %d bytes as they were",
        async (length) => {
          const scope = fresh();
          const bytes = noise(length);
          await blobs.write(scope, inPieces(bytes));
          const read = await readAll(scope);
          expect(read?.length).toBe(length);
          expect(read?.equals(bytes)).toBe(true);
        },
      );

      it("takes pieces of any size, empty ones too", async () => {
        const scope = fresh();
        const big = noise(3 * pieceBytes + 7);
        async function* mixed(): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(0);
          yield encoder.encode("a");
          yield big;
          yield new Uint8Array(0);
          yield encoder.encode("z");
        }
        await blobs.write(scope, mixed());
        expect((await readAll(scope))?.equals(Buffer.concat([encoder.encode("a"), big, encoder.encode("z")]))).toBe(
          true,
        );
      });

      it("replaces content and facts", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces("first"), { contentType: "text/plain", isPublic: true });
        await blobs.write(scope, inPieces("second"));
        expect(await readText(scope)).toBe("second");
        expect(await blobs.stat(scope)).toMatchObject({ contentType: "", isPublic: false, sizeBytes: 6 });
        expect(keys(await blobs.list(scope.namespace))).toEqual(["a"]);
      });

      it("leaves what was there when the content fails on the way", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces("before"));
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield noise(pieceBytes * 2);
          throw new Error("the sender broke");
        }
        const failure = await blobs.write(scope, failing()).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(failure).toBeInstanceOf(Error);
        expect(await readText(scope)).toBe("before");
        const other = { ...scope, key: "never" };
        await blobs.write(other, failing()).catch(() => undefined);
        expect(await blobs.stat(other)).toBeUndefined();
      });

      it("gives up when it is told to, also when the content has ended", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces("before"));
        for (const piecesBefore of [0, 1, 2]) {
          const stop = new AbortController();
          async function* content(): AsyncGenerator<Uint8Array> {
            for (let index = 0; index < 2; index += 1) {
              if (index === piecesBefore) stop.abort();
              yield noise(100);
            }
            stop.abort();
          }
          await expectError(blobs.write(scope, content(), { signal: stop.signal }), "cancelled");
        }
        expect(await readText(scope)).toBe("before");
      });

      it("keeps one of several that are written at once, whole", async () => {
        const scope = fresh();
        const all = Array.from({ length: 8 }, (_, index) => noise(pieceBytes + index));
        await Promise.all(all.map((bytes) => blobs.write(scope, inPieces(bytes))));
        const read = await readAll(scope);
        expect(all.some((bytes) => read?.equals(bytes) === true)).toBe(true);
        expect(await blobs.stat(scope)).toMatchObject({ sizeBytes: read?.length });
      });

      it.each(["", "\ud800"])("refuses the key %j", async (key) => {
        await expectError(blobs.write(fresh(key), inPieces("x")), "invalid_argument");
      });

      it("refuses a key that is too long", async () => {
        const longest = "k".repeat(limits.blobKeyBytesMax);
        expect(await blobs.write(fresh(longest), inPieces("x"))).toMatchObject({ key: longest });
        await blobs
          .write(fresh(`${longest}k`), inPieces("x"))
          .then(() => Promise.reject(new Error("it was taken")))
          .catch((reason: unknown) => expect(String(reason)).toContain("at most"));
      });

      it.each(["no type", "text/plain\r\nx: y", "a/b; ä", `a/${"b".repeat(300)}`])(
        "refuses the content type %j",
        async (contentType) => {
          await expectError(blobs.write(fresh(), inPieces("x"), { contentType }), "invalid_argument");
        },
      );

      it("refuses a namespace that is none", async () => {
        await expectError(blobs.write({ namespace: "../x", key: "a" }, inPieces("x")), "invalid_argument");
      });
    });

    describe("read()", () => {
      it("gives undefined for what is not there", async () => {
        expect(await blobs.read(fresh())).toBeUndefined();
        expect(await blobs.stat(fresh())).toBeUndefined();
      });

      it("keeps namespaces apart, and keys of any text", async () => {
        const { namespace } = fresh();
        const all = ["a", "a/b", "../a", "..", "/", "//", "a\0", "ä", "a\u0308", "𝄞", " ", "%2e", "con", "\n", "a:b"];
        for (const key of all) await blobs.write({ namespace, key }, inPieces(`content of ${key}`));
        for (const key of all) expect(await readText({ namespace, key })).toBe(`content of ${key}`);
        expect(new Set(keys(await blobs.list(namespace)))).toEqual(new Set(all));
        expect(await blobs.stat({ namespace: fresh().namespace, key: "a" })).toBeUndefined();
      });

      it.each([
        [{}, 0, 1_000_000],
        [{ offset: 999_999 }, 999_999, 1_000_000],
        [{ offset: 1_000_000 }, 1_000_000, 1_000_000],
        [{ length: 0 }, 0, 0],
        [{ offset: 3, length: 5 }, 3, 8],
        [{ offset: pieceBytes - 1, length: pieceBytes + 2 }, pieceBytes - 1, 2 * pieceBytes + 1],
        [{ offset: 10, length: 5_000_000 }, 10, 1_000_000],
      ] satisfies [BlobRange, number, number][])("gives the part %j", async (range, from, to) => {
        const scope = { namespace: "suite-parts", key: "a" };
        const bytes = noise(1_000_000);
        if ((await blobs.stat(scope)) === undefined) await blobs.write(scope, inPieces(bytes));
        expect((await readAll(scope, range))?.equals(bytes.subarray(from, to))).toBe(true);
      });

      it("refuses a part that begins behind the end", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces("12345"));
        await expectError(blobs.read(scope, { offset: 6 }), "invalid_argument");
      });

      it("lets a reader finish the blob that it began, when it is replaced or deleted", async () => {
        const scope = fresh();
        const bytes = noise(20 * pieceBytes);
        await blobs.write(scope, inPieces(bytes));
        const first = await blobs.read(scope);
        const second = await blobs.read(scope);
        await blobs.write(scope, inPieces("new"));
        await blobs.delete(scope);
        for (const found of [first, second]) {
          const pieces: Uint8Array[] = [];
          for await (const piece of found?.content ?? []) pieces.push(piece);
          expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
        }
      });

      it("can be left early, before the first piece too", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces(noise(20 * pieceBytes)));
        for (let round = 0; round < 20; round += 1) {
          const found = await blobs.read(scope);
          if (round % 2 === 0) await found?.content[Symbol.asyncIterator]().return?.();
          else for await (const _ of found?.content ?? []) break;
        }
        expect((await readAll(scope))?.length).toBe(20 * pieceBytes);
      });
    });

    describe("delete()", () => {
      it("removes the blob, and does not mind when there is none", async () => {
        const scope = fresh();
        await blobs.write(scope, inPieces("x"));
        await blobs.delete(scope);
        await blobs.delete(scope);
        expect(await blobs.stat(scope)).toBeUndefined();
        expect(await blobs.list(scope.namespace)).toEqual([]);
      });
    });

    describe("list()", () => {
      it("orders by key, bytewise, and takes prefix, after and limit", async () => {
        const { namespace } = fresh();
        for (const key of ["b", "a/2", "ä", "a/10", "a/1", "B", "a"]) {
          await blobs.write({ namespace, key }, inPieces(key));
        }
        const list = async (query?: Parameters<Blobs["list"]>[1]): Promise<string[]> =>
          keys(await blobs.list(namespace, query));
        expect(await list()).toEqual(["B", "a", "a/1", "a/10", "a/2", "b", "ä"]);
        expect(await list({ prefix: "a/" })).toEqual(["a/1", "a/10", "a/2"]);
        expect(await list({ after: "a/10" })).toEqual(["a/2", "b", "ä"]);
        expect(await list({ prefix: "a/", after: "a/1", limit: 1 })).toEqual(["a/10"]);
        expect(await list({ limit: 2 })).toEqual(["B", "a"]);
        expect(await list({ limit: 0, after: "ä" })).toEqual([]);
        expect(await list({ prefix: "none" })).toEqual([]);
      });

      it("is empty for a namespace without blobs", async () => {
        expect(await blobs.list(fresh().namespace)).toEqual([]);
      });
    });
  });
}
