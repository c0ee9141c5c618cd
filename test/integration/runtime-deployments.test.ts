import { describe, expect, it } from "bun:test";
import type { LogLine, ServiceKey } from "#interface/runtime.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { serviceProgram, startRuntimeWorld, type RuntimeWorld } from "./runtime-world.ts";

const key = { namespace: "micro", name: "greeter", version: "latest" };
const other = { ...key, name: "other" };

async function untilRuns(world: RuntimeWorld, service: ServiceKey): Promise<void> {
  await waitUntil(`${service.name} runs`, async () => (await world.state(service)).status === "running");
}

function readLog(world: RuntimeWorld, service: ServiceKey): Promise<LogLine[]> {
  return Array.fromAsync(world.runtime.logs(service, {}));
}

describe("a service of LocalRuntime that names itself", () => {
  it("is shown with its own name, and its log says which other deployment serves that too", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const program = serviceProgram("v1").replace("env.MICRO_SERVICE_NAME", '"greeter"');
    await world.runtime.create(other, await world.upload(other, { "index.ts": program }), {});
    await untilRuns(world, other);
    expect(await world.state(other)).toMatchObject({ name: "other", serviceName: "greeter" });
    const systemLines = async (of: ServiceKey): Promise<string[]> =>
      (await readLog(world, of)).filter(({ stream }) => stream === "system").map(({ text }) => text);
    await waitUntil("it is logged", async () => (await systemLines(other)).includes("registers as greeter"));
    await world.runtime.create(key, await world.upload(key, { "index.ts": program }), {});
    await untilRuns(world, key);
    expect((await world.state(key)).serviceName).toBeUndefined();
    const shared = "registers as greeter, which other:latest serves too: a call reaches any of them";
    await waitUntil("the other is named", async () => (await systemLines(key)).includes(shared));
    await world.runtime.update(key, "");
    await waitUntil("each process says so once", async () => {
      const said = (await systemLines(key)).filter((line) => line === shared);
      return said.length === 2;
    });
  });
});

describe("what was said of a service of LocalRuntime", () => {
  it("stays where an update does not say it anew, over a restart of the server too", async () => {
    await using temp = await createTempFolder();
    const program = serviceProgram("v1", 'console.log("is", env.COLOUR, env.SIZE, process.argv.slice(2).join("+"))');
    const outputOf = async (world: RuntimeWorld): Promise<string | undefined> =>
      (await readLog(world, key)).findLast(({ text }) => text.startsWith("is "))?.text;
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      const said = { env: ["COLOUR=blue"], args: ["one"], metadata: { team: "a", source: "/old" } };
      await world.runtime.create(key, await world.upload(key, { "index.ts": program }), said);
      await untilRuns(world, key);
      await world.runtime.update(key, "", { args: ["two", "three"], metadata: { source: "/new" } });
      await waitUntil("the arguments are new", async () => (await outputOf(world)) === "is blue undefined two+three");
      expect((await world.state(key)).metadata).toEqual({ team: "a", source: "/new" });
      await world.runtime.update(key, "", { env: ["SIZE=big"], metadata: { team: "b" } });
      await waitUntil("the environment is new", async () => (await outputOf(world)) === "is undefined big two+three");
      await expect(world.runtime.update(key, "", { env: ["MICRO_CLIENT_ID=me"] })).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    await using world = await startRuntimeWorld({ folder: temp.path });
    await untilRuns(world, key);
    expect((await world.state(key)).metadata).toEqual({ team: "b", source: "/new" });
    await waitUntil("it came back as it was", async () => (await outputOf(world)) === "is undefined big two+three");
  });
});
