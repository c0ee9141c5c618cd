import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import fc from "fast-check";
import { systemClock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { silentLogger } from "#base/logger.ts";
import { blobMethods } from "#core/blob/blob-methods.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { createGateway } from "#gateway/gateway.ts";
import type { Blobs } from "#interface/blob.ts";
import { createServiceTable } from "#rpc/service-table.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

let folder: TempFolder;
let blobs: FileBlobs;
let stop: () => Promise<void>;
let origin: string;
/** Bytes that the blobs took, and a gate that holds them up. */
const taken = { bytes: 0, gate: Promise.resolve(), failures: [] as string[] };

/** Writes as the blobs do, and counts. */
const countedBlobs = (real: Blobs): Blobs => ({
  stat: (scope) => real.stat(scope),
  read: (scope, range) => real.read(scope, range),
  delete: (scope) => real.delete(scope),
  list: (namespace, query) => real.list(namespace, query),
  write: async (scope, content, options) => {
    const counted = (async function* () {
      for await (const piece of content) {
        taken.bytes += piece.byteLength;
        await taken.gate;
        yield piece;
      }
    })();
    try {
      return await real.write(scope, counted, options);
    } catch (reason) {
      taken.failures.push(MicroError.from(reason).code);
      throw reason;
    }
  },
});

beforeAll(async () => {
  folder = await createTempFolder();
  blobs = await FileBlobs.open({ folder: `${folder.path}/blobs`, store: new MemoryStore() });
  const registry = new MemoryRegistry({ clock: systemClock });
  const table = createServiceTable({
    name: "store",
    version: "1",
    methods: blobMethods({ blobs: countedBlobs(blobs) }),
  });
  const gateway = createGateway({
    directory: registry,
    core: (service) => (service === "store" ? table : undefined),
    guard: (call) => {
      call.namespace = "micro";
      if (call.metadata["authorization"] === undefined) return;
      call.account = { id: "a", type: "user", namespace: "micro", name: "a", scopes: ["admin"], metadata: {} };
    },
    client: { unary: () => Promise.reject(new Error("not asked")), stream: async function* () {} },
    logger: silentLogger,
    version: "1.2.3",
  });
  const listener = await gateway.listen("127.0.0.1:0");
  origin = `http://${listener.address}`;
  stop = async () => {
    await listener.stop(0);
    await registry.stop();
    await blobs.close();
    await folder[Symbol.asyncDispose]();
  };
});
afterAll(() => stop());

const authorization = "Bearer x";

async function upload(query: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${origin}/store/blobStore/write${query}`, {
    method: "POST",
    ...init,
    headers: { authorization, ...(init.headers as Record<string, string> | undefined) },
  });
  return { status: response.status, body: await response.json() };
}

async function contentOf(key: string): Promise<Buffer> {
  const found = await blobs.read({ namespace: "micro", key });
  if (found === undefined) throw new Error(`${key} is not there`);
  const pieces: Uint8Array[] = [];
  for await (const piece of found.content) pieces.push(piece);
  return Buffer.concat(pieces);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes that look like nothing, the same each time. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 2_654_435_761) >>> 13;
  return bytes;
}

describe("gateway, an upload as a body", () => {
  it("writes it, whatever its type, size and method", async () => {
    const types = [
      "application/octet-stream",
      "image/png",
      "application/json",
      "application/x-www-form-urlencoded",
      "",
    ];
    for (const [index, size] of [0, 1, 70_000, 1_000_000, 10_000_000].entries()) {
      const body = noise(size);
      const headers = { "content-type": types[index] ?? "" };
      const method = index % 2 === 0 ? "POST" : "PUT";
      const query = `?key=raw/${size}&options.contentType=image/png&options.public=true`;
      const answer = await upload(query, { method, body, headers });
      expect(answer).toMatchObject({ status: 200, body: { info: { key: `raw/${size}`, sha256: sha256(body) } } });
      expect(await blobs.stat({ namespace: "micro", key: `raw/${size}` })).toMatchObject({
        contentType: "image/png",
        isPublic: true,
      });
      expect((await contentOf(`raw/${size}`)).equals(body)).toBe(true);
    }
  });

  it("takes a body whose length nobody said", async () => {
    const body = noise(3_000_000);
    const chunked = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < body.byteLength; at += 100_000) controller.enqueue(body.subarray(at, at + 100_000));
        controller.close();
      },
    });
    expect((await upload("?key=chunked", { body: chunked })).status).toBe(200);
    expect((await contentOf("chunked")).equals(body)).toBe(true);
  });

  it("is refused without a login, without a key, compressed, and by other methods", async () => {
    const body = noise(1_000_000);
    const nobody = await fetch(`${origin}/store/blobStore/write?key=x`, { method: "POST", body });
    expect([nobody.status, nobody.headers.get("connection")?.toLowerCase()]).toEqual([401, "close"]);
    expect((await upload("", { body })).status).toBe(400);
    expect((await upload("?key=x", { body, headers: { "content-encoding": "gzip" } })).status).toBe(415);
    expect((await upload("?key=x", { method: "PATCH", body })).status).toBe(400);
    expect(await blobs.stat({ namespace: "micro", key: "x" })).toBeUndefined();
  });

  it("holds its sender back while the service is slow, and leaves nothing when he leaves", async () => {
    const open = Promise.withResolvers<void>();
    taken.gate = open.promise;
    taken.failures.length = 0;
    const total = 500_000_000;
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(
      `POST /store/blobStore/write?key=slow HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-length: ${total}\r\n\r\n`,
    );
    const piece = Buffer.alloc(1_000_000, 7);
    let sent = 0;
    const before = process.memoryUsage().rss;
    const pump = (): void => {
      while (sent < total) {
        sent += piece.byteLength;
        if (!socket.write(piece)) return void socket.once("drain", pump);
      }
    };
    pump();
    await waitUntil("the sender to be held back", async () => {
      const at = sent;
      await Bun.sleep(200);
      return at === sent && taken.bytes > 0;
    });
    expect(sent).toBeLessThan(50_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    socket.destroy();
    open.resolve();
    taken.gate = Promise.resolve();
    await waitUntil("the write to be given up", () => taken.failures.length > 0);
    expect(taken.failures).toEqual(["cancelled"]);
    expect(await blobs.stat({ namespace: "micro", key: "slow" })).toBeUndefined();
  });
});

describe("gateway, an upload as a form", () => {
  it("takes fields, then a file", async () => {
    const body = noise(2_000_000);
    const form = new FormData();
    form.set("key", "form/1");
    form.set("options.public", "true");
    form.set("file", new File([body], "a.bin"));
    expect(await upload("?key=query", { body: form })).toMatchObject({
      status: 200,
      body: { info: { key: "form/1", public: true, sha256: sha256(body) } },
    });
  });

  it("says what is wrong with a form", async () => {
    const two = new FormData();
    two.append("file", new File(["a"], "a"));
    two.append("file", new File(["b"], "b"));
    const late = new FormData();
    late.append("file", new File(["a"], "a"));
    late.append("key", "x");
    const none = new FormData();
    none.append("key", "x");
    for (const [form, detail] of [
      [two, "one file"],
      [late, "fields come first"],
      [none, "no file"],
    ] as const) {
      expect(await upload("?key=bad", { body: form })).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining(detail) },
      });
    }
    expect(await blobs.stat({ namespace: "micro", key: "bad" })).toBeUndefined();
    const headers = { "content-type": "multipart/form-data" };
    expect(await upload("?key=bad", { body: "x", headers })).toMatchObject({ status: 400 });
    const cut = { "content-type": "multipart/form-data; boundary=b" };
    const body = '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nabc';
    expect(await upload("?key=bad", { body, headers: cut })).toMatchObject({ status: 400 });
    expect(await blobs.stat({ namespace: "micro", key: "bad" })).toBeUndefined();
  });

  it("keeps any content as it is, also what looks like a delimiter", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom("\r\n", "--", "b", "\r", "\n", "-", "--b--", "x")), async (words) => {
        const content = words.join("");
        if (content.includes("\r\n--b") || content.startsWith("--b")) return;
        const head = '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n';
        const body = `${head}${content}\r\n--b--\r\n`;
        const headers = { "content-type": 'multipart/form-data; boundary="b"' };
        expect((await upload("?key=fuzz", { body, headers })).status).toBe(200);
        expect((await contentOf("fuzz")).toString()).toBe(content);
      }),
      { numRuns: 60 },
    );
  });
});
