import { describe, expect, it } from "bun:test";
import { expectError } from "#conformance/expect-error.ts";
import { Store } from "#gen/store/store_pb.ts";
import { createBlobs } from "#service/blob.ts";
import { createClient } from "#service/client.ts";
import { createProtoClient } from "#service/proto.ts";
import { createStore } from "#service/store.ts";
import { startServer } from "#testing/start-server.ts";

describe("the store of a server", () => {
  it("is reached through the network, and shows nothing of what the server itself keeps", async () => {
    await using server = await startServer();
    const address = server.addresses.network;
    const client = createClient({ address, token: await server.token(), name: "greeter", variables: {} });
    // The server keeps accounts and tokens by itself, and now facts about a blob.
    await createBlobs(client).write("picture", "bytes");
    const { tables } = await createProtoClient(client, "store", Store).tables({});
    expect(tables).toEqual([]);

    const store = createStore(client);
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.write(`k${index}`, "1")));
    expect(await store.keys()).toHaveLength(50);
    expect(await store.list({ limit: 2 })).toHaveLength(2);
    expect(await store.tables()).toEqual(["greeter"]);
    await expectError(store.withTable("auth").keys(), "permission_denied");
    await client.stop();
  });
});
