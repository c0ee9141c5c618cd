import { defineBlobSuite } from "#conformance/blob-suite.ts";
import { FileBlobs } from "#core/blob/file-blobs.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { BlobsOverRpc, connectTo, startBlobServer } from "./blobs-over-rpc.ts";

defineBlobSuite("FileBlobs", async () => {
  const temp = await createTempFolder();
  const store = await SqliteStore.open({ folder: `${temp.path}/store` });
  const blobs = await FileBlobs.open({ folder: `${temp.path}/blobs`, store });
  return {
    blobs,
    [Symbol.asyncDispose]: async () => {
      await blobs.close();
      await store.close();
      await temp[Symbol.asyncDispose]();
    },
  };
});

defineBlobSuite("createBlobs() over RPC", async () => {
  const temp = await createTempFolder();
  const blobs = await FileBlobs.open({ folder: temp.path, store: new MemoryStore() });
  const server = await startBlobServer(blobs);
  const client = connectTo(server);
  return {
    blobs: new BlobsOverRpc(client),
    [Symbol.asyncDispose]: async () => {
      await client.stop();
      await server[Symbol.asyncDispose]();
      await blobs.close();
      await temp[Symbol.asyncDispose]();
    },
  };
});
