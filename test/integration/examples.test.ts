import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { join } from "node:path";
import { createClient, type Client } from "#service/client.ts";
import { createProtoClient } from "#service/proto.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { Greeter } from "../../examples/greeter-proto/greeter_pb.ts";
import { ServiceNetwork } from "./service-network.ts";
import { startServiceProcess } from "./service-process.ts";

const bun = [process.execPath, "--no-install", "index.ts"];

async function collect<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of answers) all.push(each);
  return all;
}

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

describe("examples", () => {
  let network: ServiceNetwork;
  let client: Client;
  let build: TempFolder;

  beforeAll(async () => {
    build = await createTempFolder();
    await buildSdk(join(build.path, "sdk"));
    network = await ServiceNetwork.open();
    client = createClient({ address: network.address, token: await network.token("jane"), variables: {} });
  });

  afterAll(async () => {
    await client.stop();
    await network[Symbol.asyncDispose]();
    await build[Symbol.asyncDispose]();
  });

  const registered = (name: string): Promise<unknown> =>
    waitUntil(`${name} registers`, () => network.registry.nodes(name, "micro").length > 0);

  it("helloworld answers, streams and plays ping-pong", async () => {
    await using _service = await startServiceProcess("examples/helloworld", bun, { variables: network.variables });
    await registered("helloworld");
    expect(await client.call("helloworld", "Helloworld.Call", { name: "Jane" })).toEqual({ msg: "Hello Jane" });
    expect(await collect(client.stream("helloworld", "Helloworld.Stream", { count: 2 }))).toEqual([
      { count: 1 },
      { count: 2 },
    ]);
    expect(
      await collect(client.stream("helloworld", "Helloworld.PingPong", each({ stroke: 1 }, { stroke: 2 }))),
    ).toEqual([{ stroke: 1 }, { stroke: 2 }]);
  });

  it("greeter-proto answers in protobuf and in JSON, in all four kinds", async () => {
    await using _service = await startServiceProcess("examples/greeter-proto", bun, { variables: network.variables });
    await registered("greeter");
    const greeter = createProtoClient(client, "greeter", Greeter);
    expect(await greeter.hello({ name: "Jane" })).toMatchObject({ msg: "Hello Jane", count: 1n });
    expect((await collect(greeter.languages({ name: "Jane" }))).map((each) => each.msg)).toEqual([
      "Hello Jane",
      "Hola Jane",
      "Hallo Jane",
      "Bonjour Jane",
    ]);
    expect(await greeter.everybody(each({ name: "Jane" }, { name: "Joe" }))).toMatchObject({ msg: "Hello Jane, Joe" });
    expect((await collect(greeter.chat(each({ name: "Jane" }, { name: "Joe" })))).map((each) => each.count)).toEqual([
      1n,
      2n,
    ]);
    expect(await client.call("greeter", "Greeter.Hello", { name: "Jane" })).toEqual({ msg: "Hello Jane", count: "1" });
    expect(await greeter.hello({}).catch((reason: unknown) => reason)).toMatchObject({ code: "invalid_argument" });
  });

  it("greeter-node answers on Node", async () => {
    await using _service = await startServiceProcess("examples/greeter-node", ["node", "index.js"], {
      variables: network.variables,
      sdkFolder: join(build.path, "sdk"),
    });
    await registered("greeter-node");
    expect(await client.call("greeter-node", "Say.Hello", { name: "Jane" })).toMatchObject({
      msg: "Hello Jane",
      runtime: expect.stringMatching(/^node \d+\./),
    });
    expect(await client.call("greeter-node", "Say.Goodbyes", each({ name: "Jane" }, { name: "Joe" }))).toEqual({
      msg: "Goodbye Jane, Joe",
    });
  });
});
