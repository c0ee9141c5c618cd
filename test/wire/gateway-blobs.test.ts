import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { systemClock } from "#base/clock.ts";
import { limits } from "#base/limits.ts";
import { silentLogger } from "#base/logger.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryRegistry } from "#core/registry/memory-registry.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { createGateway } from "#gateway/gateway.ts";
import { createBlobAnswerer } from "#gateway/public-blobs.ts";
import type { BlobInfo } from "#interface/blob.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

let folder: TempFolder;
let blobs: FileBlobs;
let stop: () => Promise<void>;
let origin: string;
let address: { hostname: string; port: number };
/** Pieces that the gateway took of blobs, and reads that it ended. */
const taken = { pieces: 0, openReads: 0 };

beforeAll(async () => {
  folder = await createTempFolder();
  blobs = await FileBlobs.open({ folder: `${folder.path}/blobs`, store: new MemoryStore() });
  const registry = new MemoryRegistry({ clock: systemClock });
  const gateway = createGateway({
    directory: registry,
    core: () => undefined,
    guard: () => undefined,
    client: { unary: () => Promise.reject(new Error("not asked")), stream: async function* () {} },
    answerBlob: createBlobAnswerer({ stat: (scope) => blobs.stat(scope), read: countReads }),
    logger: silentLogger,
    version: "1.2.3",
  });
  const listener = await gateway.listen("127.0.0.1:0");
  origin = `http://${listener.address}`;
  const { hostname, port } = new URL(origin);
  address = { hostname, port: Number(port) };
  stop = async () => {
    await listener.stop(0);
    await registry.stop();
    await blobs.close();
    await folder[Symbol.asyncDispose]();
  };
});
afterAll(() => stop());

/** Reads as the blobs do, and counts. */
const countReads: FileBlobs["read"] = async (scope, range) => {
  const found = await blobs.read(scope, range);
  if (found === undefined) return undefined;
  const pieces = found.content[Symbol.asyncIterator]();
  taken.openReads += 1;
  let isOver = false;
  const end = (): void => {
    if (!isOver) taken.openReads -= 1;
    isOver = true;
  };
  const content: AsyncIterableIterator<Uint8Array> = {
    next: async () => {
      const next = await pieces.next();
      if (next.done === true) end();
      else taken.pieces += 1;
      return next;
    },
    return: async () => {
      end();
      await pieces.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => content,
  };
  return { info: found.info, content };
};

async function put(key: string, text: string | Uint8Array, options = {}): Promise<BlobInfo> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  async function* content(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  return blobs.write({ namespace: "micro", key }, content(), { isPublic: true, ...options });
}

function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return fetch(`${origin}/blobs/${path}`, { method, headers, redirect: "manual" });
}

/** Opens a connection and asks for a path as it is written here. */
function ask(method: string, target: string): Socket {
  const socket = connect(address.port, address.hostname);
  socket.write(`${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return socket;
}

/** All that comes over a connection, and whether it ended as it should. */
function readRaw(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(text));
  });
}

describe("GET /blobs/NAMESPACE/KEY", () => {
  it("gives everybody the content of a public blob, and what is known of it", async () => {
    const info = await put("images/a b.txt", "hello", { contentType: "text/plain; charset=utf-8" });
    const response = await get("micro/images/a%20b.txt");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("hello");
    expect(response.headers.toJSON()).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "5",
      "x-content-type-options": "nosniff",
      "content-security-policy": expect.stringMatching(/^sandbox /),
      "accept-ranges": "bytes",
      "cache-control": "public, max-age=0, must-revalidate",
      etag: `"${info.sha256}"`,
      "last-modified": new Date(info.modifiedAtMs).toUTCString(),
    });
  });

  it("calls content bytes when its writer said no type", async () => {
    await put("plain", "x");
    expect((await get("micro/plain")).headers.get("content-type")).toBe("application/octet-stream");
  });

  it("lets no page act as one of the server, and a PDF be shown", async () => {
    for (const [contentType, isSandboxed] of [
      ["text/html", true],
      ["image/svg+xml", true],
      ["application/pdf", false],
    ] as const) {
      await put("page", "<script>1</script>", { contentType });
      const policy = (await get("micro/page")).headers.get("content-security-policy") ?? "";
      expect(policy.startsWith("sandbox ")).toBe(isSandboxed);
      expect(policy).not.toContain("allow-same-origin");
    }
  });

  it("answers HEAD with the headers alone", async () => {
    await put("head", new Uint8Array(3_000_000));
    const response = await get("micro/head", {}, "HEAD");
    expect([response.status, response.headers.get("content-length")]).toEqual([200, "3000000"]);
    expect(await response.text()).toBe("");
  });

  it.each([0, 1, limits.blobWholeBytesMax, limits.blobWholeBytesMax + 1, 10_000_000])(
    "gives %d bytes",
    async (length) => {
      const bytes = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
      const all = Buffer.alloc(length, bytes.length === 0 ? "" : bytes);
      await put("sized", all);
      expect(Buffer.from(await (await get("micro/sized")).arrayBuffer()).equals(all)).toBe(true);
      expect(taken.openReads).toBe(0);
    },
  );

  it("answers for a blob that is not public as for one that is not there", async () => {
    await put("secret", "x", { isPublic: false });
    const answers = [
      "micro/secret",
      "micro/missing",
      "other/secret",
      "micro/",
      "micro",
      "-/a",
      "micro/%ff",
      "../secret",
    ];
    const bodies = new Set<string>();
    for (const path of answers) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get("content-type")).toBe("application/json");
      bodies.add(await response.text());
    }
    const body = { id: "gateway", code: 404, detail: "Blob not found", status: "Not Found" };
    expect([...bodies].map((text): unknown => JSON.parse(text))).toContainEqual(body);
    // A path that leaves the blobs names a service.
    expect(bodies.size).toBe(2);
    const token = await get("micro/secret", { authorization: "Bearer x" });
    expect(token.status).toBe(404);
  });

  it("takes a key as text, whatever it would mean in a path", async () => {
    const keys = ["a/../b", "../../etc/passwd", "a//b", "x?y#z", "100%", "ä/𝄞", "./a", "a+b"];
    for (const key of keys) await put(key, key);
    for (const key of keys) {
      const text = await readRaw(ask("GET", `/blobs/micro/${encodeURIComponent(key)}`));
      expect(text.slice(0, 15)).toBe("HTTP/1.1 200 OK");
      expect(Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1").toString()).toBe(key);
    }
  });

  it("finds nothing outside of the blobs", async () => {
    await writeFile(`${folder.path}/outside`, "outside");
    for (const target of [
      "/blobs/../outside",
      "/blobs/micro/../../outside",
      "/blobs/%2e%2e/outside",
      "/blobs//outside",
    ]) {
      expect(await readRaw(ask("GET", target))).not.toContain("200 OK");
    }
  });

  it("is not reached by other methods", async () => {
    await put("a", "x");
    for (const method of ["POST", "PUT", "DELETE"]) {
      const response = await get("micro/a", {}, method);
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    }
    expect((await get("micro/a", {}, "OPTIONS")).status).toBe(200);
  });

  it("lets pages of any origin read, without a login", async () => {
    await put("a", "x");
    const response = await get("micro/a", { origin: "https://example.com" });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("GET /blobs/NAMESPACE/KEY with conditions", () => {
  it("answers 304 without a body when the caller has it", async () => {
    const { sha256, modifiedAtMs } = await put("known", "hello");
    const etag = `"${sha256}"`;
    const modified = new Date(modifiedAtMs).toUTCString();
    const statusOf = async (headers: Record<string, string>, method = "GET"): Promise<number> => {
      const response = await get("micro/known", headers, method);
      expect(response.headers.get("etag") ?? etag).toBe(etag);
      if (response.status === 304) expect(await response.text()).toBe("");
      return response.status;
    };
    expect(await statusOf({ "if-none-match": etag })).toBe(304);
    expect(await statusOf({ "if-none-match": etag }, "HEAD")).toBe(304);
    expect(await statusOf({ "if-none-match": `"other", W/${etag}` })).toBe(304);
    expect(await statusOf({ "if-none-match": "*" })).toBe(304);
    expect(await statusOf({ "if-none-match": '"other"' })).toBe(200);
    expect(await statusOf({ "if-modified-since": modified })).toBe(304);
    expect(await statusOf({ "if-modified-since": new Date(modifiedAtMs - 10_000).toUTCString() })).toBe(200);
    expect(await statusOf({ "if-modified-since": "yesterday or so" })).toBe(200);
    expect(await statusOf({ "if-none-match": '"other"', "if-modified-since": modified })).toBe(200);
    expect(await statusOf({ "if-match": etag })).toBe(200);
    expect(await statusOf({ "if-match": '"other"' })).toBe(412);
    expect(await statusOf({ "if-unmodified-since": new Date(modifiedAtMs - 10_000).toUTCString() })).toBe(412);
    expect(await statusOf({ range: "bytes=0-1", "if-none-match": etag })).toBe(304);
  });

  it("has another tag once the content is another", async () => {
    const first = await put("changing", "one");
    await put("changing", "two");
    const response = await get("micro/changing", { "if-none-match": `"${first.sha256}"` });
    expect([response.status, await response.text()]).toEqual([200, "two"]);
  });
});

describe("GET /blobs/NAMESPACE/KEY with a range", () => {
  it("gives the part that was asked for", async () => {
    await put("part", "0123456789");
    for (const [range, body, content] of [
      ["bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=3-5", "345", "bytes 3-5/10"],
      ["bytes=8-", "89", "bytes 8-9/10"],
      ["bytes=-2", "89", "bytes 8-9/10"],
      ["bytes=0-99", "0123456789", "bytes 0-9/10"],
    ] as const) {
      const response = await get("micro/part", { range });
      expect([response.status, await response.text()]).toEqual([206, body]);
      expect(response.headers.get("content-range")).toBe(content);
      expect(response.headers.get("content-length")).toBe(String(body.length));
    }
  });

  it("gives a large part of a large blob", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const all = Buffer.alloc(5_000_000, bytes);
    await put("large", all);
    const response = await get("micro/large", { range: "bytes=1000000-4000000" });
    expect(response.status).toBe(206);
    const part = Buffer.from(await response.arrayBuffer());
    expect(part.equals(all.subarray(1_000_000, 4_000_001))).toBe(true);
  });

  it("refuses a part behind the end with 416 and the size", async () => {
    await put("part", "0123456789");
    const response = await get("micro/part", { range: "bytes=10-" });
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */10"]);
  });

  it("gives the whole for several parts, for what is no range, and to HEAD", async () => {
    await put("part", "0123456789");
    for (const range of ["bytes=0-1,4-5", "items=1-2", "bytes=5-1"]) {
      const response = await get("micro/part", { range });
      expect([response.status, await response.text()]).toEqual([200, "0123456789"]);
    }
    const head = await get("micro/part", { range: "bytes=0-1" }, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
  });

  it("goes on only with what the caller has the rest of", async () => {
    const { sha256, modifiedAtMs } = await put("part", "0123456789");
    const continued = async (condition: string): Promise<number> =>
      (await get("micro/part", { range: "bytes=5-", "if-range": condition })).status;
    expect(await continued(`"${sha256}"`)).toBe(206);
    expect(await continued(new Date(modifiedAtMs).toUTCString())).toBe(206);
    expect(await continued('"other"')).toBe(200);
    expect(await continued(`W/"${sha256}"`)).toBe(200);
  });
});

describe("GET /blobs/NAMESPACE/KEY of a large blob", () => {
  const pieceCount = 400;

  it("waits for a reader that is slow, and ends with one that leaves", async () => {
    await put("huge", new Uint8Array(pieceCount * limits.blobPieceBytes));
    taken.pieces = 0;
    const socket = ask("GET", "/blobs/micro/huge");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    // Sockets hold some megabytes; when they are full nothing moves any more.
    let seen = -1;
    while (seen !== taken.pieces) {
      seen = taken.pieces;
      for (let turn = 0; turn < 2_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken.pieces).toBeLessThan(pieceCount / 2);
    expect(taken.openReads).toBe(1);
    socket.destroy();
    await waitUntil("the read ends", () => taken.openReads === 0);
    expect(taken.pieces).toBeLessThan(pieceCount / 2);
  });

  it("cuts the connection when the content turns out to be damaged on the way", async () => {
    const { sha256 } = await put("torn", new Uint8Array(20 * limits.blobPieceBytes).fill(7));
    await damage(20 * limits.blobPieceBytes);
    const text = await readRaw(ask("GET", "/blobs/micro/torn"));
    expect(text).toContain(sha256);
    // The last chunk, which says that the body is complete, never comes.
    expect(text.endsWith("0\r\n\r\n")).toBe(false);
    const small = await put("torn-small", "0123456789abc");
    await damage(small.sizeBytes);
    expect((await get("micro/torn-small")).status).toBe(500);
  });
});

/** Changes a byte in the middle of all content files of a size. */
async function damage(sizeBytes: number): Promise<void> {
  const names = await readdir(`${folder.path}/blobs`, { recursive: true });
  for (const name of names) {
    const path = `${folder.path}/blobs/${name}`;
    const file = Bun.file(path);
    if (!/[0-9a-f]{32}$/.test(name) || file.size !== sizeBytes) continue;
    await chmod(path, 0o600);
    const bytes = await file.bytes();
    bytes[bytes.length >> 1] = 255;
    await Bun.write(path, bytes);
  }
}
