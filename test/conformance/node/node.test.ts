import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { defineBlobSuite } from "#conformance/blob-suite.ts";
import { describeBroker } from "#conformance/broker-suite.ts";
import { describeConfig } from "#conformance/config-suite.ts";
import { defineEventsSuite } from "#conformance/events-suite.ts";
import { defineStoreSuite } from "#conformance/store-suite.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startBlobServer } from "../blobs-over-rpc.ts";
import { startBroker, testToken } from "../broker-server.ts";
import { openSqliteConfig, serveConfig } from "../config-service.ts";
import { startRemoteEvents } from "../events-server.ts";
import { serveStore } from "../store-service.ts";
import { buildHost, nodePath, startNodeSdk } from "./node-sdk.ts";

let host: TempFolder;

beforeAll(async () => {
  host = await buildHost();
});
afterAll(() => host[Symbol.asyncDispose]());

/** What has to be ended, the last one first. */
function ends(...parts: readonly (() => Promise<unknown>)[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      for (const end of parts.toReversed()) await end();
    },
  };
}

describe.skipIf(nodePath === null)("the framework on Node", () => {
  it("is not on Bun", async () => {
    await using node = startNodeSdk(host, { address: "127.0.0.1:9", token: "" });
    expect(await node.version()).toStartWith("v");
  });

  defineStoreSuite("micro-ts/store on Node", async () => {
    const folder = await createTempFolder();
    const store = await SqliteStore.open({ folder: `${folder.path}/store` });
    const service = await serveStore(store);
    service.client();
    const node = startNodeSdk(host, { address: service.address, token: "admin" });
    const parts = [folder, { [Symbol.asyncDispose]: () => store.close() }, service, node];
    const all = ends(...parts.map((each) => async () => each[Symbol.asyncDispose]()));
    return { store: node.store, supports: { batchOverTables: false }, ...all };
  });

  defineBlobSuite("micro-ts/blob on Node", async () => {
    const folder = await createTempFolder();
    const blobs = await FileBlobs.open({ folder: folder.path, store: new MemoryStore() });
    const server = await startBlobServer(blobs);
    const node = startNodeSdk(host, { address: server.address, token: "admin" });
    const parts = [folder, { [Symbol.asyncDispose]: () => blobs.close() }, server, node];
    return { blobs: node.blobs, ...ends(...parts.map((each) => async () => each[Symbol.asyncDispose]())) };
  });

  describeConfig("micro-ts/config on Node", async () => {
    const open = await openSqliteConfig();
    const service = await serveConfig(open.config);
    const [node, second] = [0, 1].map(() => startNodeSdk(host, { address: service.address, token: "admin" }));
    if (node === undefined || second === undefined) throw new Error("two programs were started");
    const all = ends(...[open, service, node, second].map((each) => async () => each[Symbol.asyncDispose]()));
    return { config: node.config, second: second.config, ...all };
  });

  describeBroker("micro-ts/broker on Node", async () => {
    const server = await startBroker();
    const node = startNodeSdk(host, { address: server.address, token: testToken });
    return { ...node.broker, ...ends(...[server, node].map((each) => async () => each[Symbol.asyncDispose]())) };
  });

  defineEventsSuite("events over gRPC from Node", async () => {
    const server = await startRemoteEvents();
    const node = startNodeSdk(host, { address: server.address, token: "admin" });
    return { events: node.events, ...ends(...[server, node].map((each) => async () => each[Symbol.asyncDispose]())) };
  });
});
