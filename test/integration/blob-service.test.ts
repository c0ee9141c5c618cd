import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readdir, writeFile } from "node:fs/promises";
import { connect as connectHttp2, constants } from "node:http2";
import { join } from "node:path";
import { limits } from "#base/limits.ts";
import { expectError } from "#conformance/expect-error.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import type { Blobs } from "#interface/blob.ts";
import { encodeFrame } from "#rpc/grpc-frame.ts";
import { createBlobs } from "#service/blob.ts";
import { createClient } from "#service/client.ts";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { connectTo, startBlobServer, type BlobServer } from "../conformance/blobs-over-rpc.ts";

let folder: TempFolder;
let blobs: FileBlobs;
let server: BlobServer;
const clients: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  folder = await createTempFolder();
  blobs = await FileBlobs.open({ folder: `${folder.path}/blobs`, store: new MemoryStore() });
  server = await startBlobServer(blobs);
});
afterAll(async () => {
  for (const each of clients) await each.stop();
  await server[Symbol.asyncDispose]();
  await blobs.close();
  await folder[Symbol.asyncDispose]();
});

function connect(token?: string, namespace = "micro"): ReturnType<typeof connectTo> {
  const client =
    token === undefined || namespace === "micro"
      ? connectTo(server, token)
      : createClient({ address: server.address, token, namespace, variables: {} });
  clients.push(client);
  return client;
}

/** One message over plain HTTP, as curl would send it. */
async function post(method: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${server.address}/store.BlobStore/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer admin" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function* never(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10);
  await new Promise(() => undefined);
}

describe("store.BlobStore", () => {
  it("says what Micro's says of a missing key, a missing blob, and a write without a message", async () => {
    const client = connect();
    const call = (method: string, body: object): Promise<unknown> => client.call("store", `BlobStore.${method}`, body);
    for (const method of ["Stat", "Delete"]) {
      const error = await expectError(call(method, {}), "invalid_argument");
      expect([error.httpStatus, error.detail]).toEqual([400, "Missing key"]);
    }
    const missing = await expectError(call("Stat", { key: "none" }), "not_found");
    expect([missing.httpStatus, missing.detail, missing.id]).toEqual([404, "Blob not found", "store.Blob.Stat"]);
    async function* nothing(): AsyncGenerator<object> {}
    const empty = await expectError(client.call("store", "BlobStore.Write", nothing()), "invalid_argument");
    expect(empty.detail).toBe("No blob was sent");
    const read = (async () => {
      for await (const _ of client.stream("store", "BlobStore.Read", { key: "none" })) break;
    })();
    expect((await expectError(read, "not_found")).detail).toBe("Blob not found");
  });

  it("takes the namespace of the call where none is named", async () => {
    const client = connect("fred", "foo");
    async function* messages(): AsyncGenerator<object> {
      yield { key: "mine", blob: btoa("hello") };
      yield { blob: btoa(" world") };
    }
    await client.call("store", "BlobStore.Write", messages());
    expect(await blobs.stat({ namespace: "foo", key: "mine" })).toMatchObject({ sizeBytes: 11 });
    expect(await client.call("store", "BlobStore.List", { options: { namespace: "" } })).toMatchObject({
      keys: ["mine"],
    });
  });

  it("speaks JSON, with bytes as base64", async () => {
    const options = { namespace: "micro", contentType: "text/plain", public: true };
    const written = await post("Write", { key: "json", options, blob: btoa("hello") });
    expect(written).toMatchObject({
      status: 200,
      body: { info: { key: "json", size: "5", content_type: "text/plain" } },
    });
    const answers: unknown[] = [];
    for await (const each of connect().stream("store", "BlobStore.Read", { key: "json" })) answers.push(each);
    expect(answers).toMatchObject([{ blob: btoa("hello"), info: { key: "json", public: true } }]);
    expect(await post("List", { options: { prefix: "js" } })).toMatchObject({ status: 200, body: { keys: ["json"] } });
  });

  it("is for administrators of the namespace", async () => {
    const attempts: [string | undefined, string, "unauthenticated" | "permission_denied"][] = [
      ["nobody", "micro", "unauthenticated"],
      ["ann", "micro", "permission_denied"],
      ["fred", "micro", "permission_denied"],
    ];
    await createBlobs(connect()).write("guarded", "x", { isPublic: true });
    for (const [token, namespace, code] of attempts) {
      const store = createBlobs(connect(token), { namespace });
      await expectError(store.write("guarded", "y"), code);
      await expectError(store.read("guarded"), code);
      await expectError(store.stat("guarded"), code);
      await expectError(store.delete("guarded"), code);
      await expectError(store.list(), code);
    }
    expect(await (await createBlobs(connect()).read("guarded"))?.text()).toBe("x");
    // Another namespace than that of the call is for administrators of the installation.
    await createBlobs(connect(), { namespace: "foo" }).write("theirs", "x");
  });

  it("refuses a range that no blob has", async () => {
    const store = createBlobs(connect());
    await store.write("short", "12345");
    await expectError(store.read("short", { offset: 6 }), "invalid_argument");
    const read = (async () => {
      const request = { key: "short", offset: "18446744073709551615" };
      for await (const _ of connect().stream("store", "BlobStore.Read", request)) break;
    })();
    await expectError(read, "invalid_argument");
  });
});

describe("createBlobs()", () => {
  it("writes bytes, text, streams and iterables, and reads them whole or in pieces", async () => {
    const store = createBlobs(connect());
    const sources = {
      bytes: new TextEncoder().encode("hällo"),
      text: "hällo",
      stream: new Response("hällo").body ?? "",
      iterable: (async function* () {
        yield new TextEncoder().encode("hä");
        yield new TextEncoder().encode("llo");
      })(),
    };
    for (const [key, source] of Object.entries(sources)) {
      const info = await store.write(`source/${key}`, source, { contentType: "text/plain" });
      expect(info).toMatchObject({ key: `source/${key}`, sizeBytes: 6, contentType: "text/plain", isPublic: false });
      expect(await (await store.read(`source/${key}`))?.text()).toBe("hällo");
      expect(await (await store.read(`source/${key}`, { offset: 1, length: 2 }))?.text()).toBe("ä");
    }
    expect(await (await store.read("source/bytes"))?.bytes()).toEqual(sources.bytes);
    expect(await (await store.read("source/bytes", { length: 0 }))?.bytes()).toEqual(new Uint8Array(0));
    expect(await store.read("source/none", { length: 0 })).toBeUndefined();
    expect(await store.read("source/none")).toBeUndefined();
  });

  it("walks through more blobs than one page holds", async () => {
    const namespace = "many";
    const keys = Array.from({ length: 1_203 }, (_, index) => `k/${String(index).padStart(5, "0")}`);
    async function* content(): AsyncGenerator<Uint8Array> {}
    await blobs.write({ namespace, key: "other" }, content());
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => blobs.write({ namespace, key }, content())));
    }
    const store = createBlobs(connect(), { namespace });
    const seen: string[] = [];
    for await (const { key } of store.all("k/")) seen.push(key);
    expect(seen).toEqual(keys);
    expect((await store.list({ limit: 3, after: "k/00009" })).map(({ key }) => key)).toEqual(keys.slice(10, 13));
    expect(await store.list()).toHaveLength(1_204);
  });

  it("leaves the blob as it was when the writer is stopped or its content fails", async () => {
    const store = createBlobs(connect());
    await store.write("steady", "old");
    const stop = new AbortController();
    const stopped = store.write("steady", never(), { signal: stop.signal });
    const incoming = `${folder.path}/blobs/incoming`;
    await waitUntil("the write is under way", async () => (await readdir(incoming)).length > 0);
    stop.abort();
    await expectError(stopped, "cancelled");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(limits.blobPieceBytes * 3);
      throw new Error("my source broke");
    }
    const failure = await store.write("steady", failing()).catch((reason: unknown) => String(reason));
    expect(failure).toContain("my source broke");
    await waitUntil("nothing is left of them", async () => (await readdir(incoming)).length === 0);
    expect(await (await store.read("steady"))?.text()).toBe("old");
  });

  it("leaves the blob as it was when a client ends its side of the call and then resets it", async () => {
    const writes: Promise<unknown>[] = [];
    const watched: Blobs = {
      write: (...given) => {
        const write = blobs.write(...given);
        writes.push(write);
        return write;
      },
      stat: (scope) => blobs.stat(scope),
      read: (...given) => blobs.read(...given),
      delete: (scope) => blobs.delete(scope),
      list: (...given) => blobs.list(...given),
    };
    await using own = await startBlobServer(watched);
    const session = connectHttp2(`http://${own.address}`);
    for (let round = 0; round < 5; round += 1) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/store.BlobStore/Write",
        "content-type": "application/grpc+json",
        authorization: "Bearer admin",
      });
      stream.on("error", () => undefined);
      stream.write(encodeFrame(new TextEncoder().encode(`{"key": "reset", "blob": "${btoa("half")}"}`)));
      await waitUntil("the write is under way", () => writes.length === round + 1);
      // This sends an end of the stream, and then the reset.
      stream.close(constants.NGHTTP2_CANCEL);
      const reason = await writes[round]?.catch((failure: unknown) => failure);
      expect(reason).toMatchObject({ code: "cancelled" });
    }
    session.destroy();
    expect(await blobs.stat({ namespace: "micro", key: "reset" })).toBeUndefined();
  });

  it("leaves the blob as it was when the writer's process dies", async () => {
    const store = createBlobs(connect());
    await store.write("survivor", "old");
    const source = new URL("../../src/service/", import.meta.url).pathname;
    const program = `
      import { createBlobs } from "${source}blob.ts";
      import { createClient } from "${source}client.ts";
      const client = createClient({ address: "${server.address}", token: "admin", namespace: "micro", variables: {} });
      await createBlobs(client).write("survivor", (async function* () {
        for (;;) { yield new Uint8Array(100_000); await new Promise((resolve) => setTimeout(resolve, 1)); }
      })());`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "ignore", "inherit"] });
    const incoming = `${folder.path}/blobs/incoming`;
    await waitUntil("the write is under way", async () => (await readdir(incoming)).length > 0);
    child.kill("SIGKILL");
    await child.exited;
    await waitUntil("nothing is left of it", async () => (await readdir(incoming)).length === 0);
    expect(await (await store.read("survivor"))?.text()).toBe("old");
  });

  it("works from a program on Node, with the built package", async () => {
    await using temp = await createTempFolder();
    await buildSdk(join(temp.path, "node_modules/micro-ts"));
    await writeFile(join(temp.path, "package.json"), '{"type": "module"}');
    await writeFile(join(temp.path, "main.js"), nodeProgram);
    const { code, stdout, stderr } = await runCommand(["node", "main.js", server.address], { cwd: temp.path });
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual({
      size: 5_000_000,
      same: true,
      text: "hello from Node",
      part: "from",
      missing: true,
      keys: ["node/large", "node/small"],
      left: ["node/small"],
      refused: "invalid_argument",
      stopped: "cancelled",
    });
    const incoming = `${folder.path}/blobs/incoming`;
    await waitUntil("nothing is left of the stopped write", async () => (await readdir(incoming)).length === 0);
    expect(await (await createBlobs(connect()).read("node/small"))?.text()).toBe("hello from Node");
  });
});

const nodeProgram = `
import { createHash, randomBytes } from "node:crypto";
import { createBlobs } from "micro-ts/blob";
import { createClient } from "micro-ts/client";
const client = createClient({ address: process.argv[2], token: "admin", namespace: "micro", variables: {} });
const blobs = createBlobs(client);
const bytes = randomBytes(5_000_000);
async function* pieces() {
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
}
const { sizeBytes } = await blobs.write("node/large", pieces());
await blobs.write("node/small", new Blob(["hello from Node"]).stream(), { contentType: "text/plain" });
const hash = createHash("sha256");
for await (const piece of (await blobs.read("node/large")).content) hash.update(piece);
const all = async () => {
  const keys = [];
  for await (const { key } of blobs.all("node/")) keys.push(key);
  return keys;
};
const keys = await all();
const answer = {
  size: sizeBytes,
  same: hash.digest("hex") === createHash("sha256").update(bytes).digest("hex"),
  text: await (await blobs.read("node/small")).text(),
  part: await (await blobs.read("node/small", { offset: 6, length: 4 })).text(),
  missing: (await blobs.read("node/none")) === undefined && (await blobs.stat("node/none")) === undefined,
  keys,
};
await blobs.delete("node/large");
answer.left = await all();
answer.refused = await blobs.write("", "x").catch((error) => error.code);
const stop = new AbortController();
async function* endless() {
  yield bytes.subarray(0, 10);
  setTimeout(() => stop.abort(), 50);
  await new Promise(() => undefined);
}
answer.stopped = await blobs.write("node/small", endless(), { signal: stop.signal }).catch((error) => error.code);
console.log(JSON.stringify(answer));
await client.stop();
`;
