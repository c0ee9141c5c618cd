import { defineStoreSuite } from "#conformance/store-suite.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { StoreOverRpc } from "./store-over-rpc.ts";
import { serveStore } from "./store-service.ts";

defineStoreSuite("MemoryStore", async () => ({
  store: new MemoryStore(),
  supports: { batchOverTables: true },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));

defineStoreSuite("SqliteStore", async () => {
  const folder = await createTempFolder();
  const store = await SqliteStore.open({ folder: `${folder.path}/store` });
  return {
    store,
    supports: { batchOverTables: true },
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

defineStoreSuite("store over RPC", async () => {
  const folder = await createTempFolder();
  const store = await SqliteStore.open({ folder: `${folder.path}/store` });
  const service = await serveStore(store);
  return {
    store: new StoreOverRpc(service.client()),
    supports: { batchOverTables: false },
    [Symbol.asyncDispose]: async () => {
      await service[Symbol.asyncDispose]();
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});
