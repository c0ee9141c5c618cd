import { describe, expect, it } from "bun:test";
import { MiB } from "#base/limits.ts";
import { readGroupMemory } from "#core/runtime/group-memory.ts";
import type { ServiceKey } from "#interface/runtime.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { serviceProgram, startRuntimeWorld, type RuntimeWorld } from "./runtime-world.ts";

const hungry: ServiceKey = { namespace: "micro", name: "hungry", version: "latest" };
const modest: ServiceKey = { ...hungry, name: "modest" };
const limit = { memoryBytes: 256 * MiB, cpuCores: 0.5 };

/** Takes memory in a process of its own, which counts like the service. */
const eater = `
Bun.spawn([process.execPath, "-e", "const kept = []; setInterval(() => kept.push(Buffer.alloc(32 << 20, 1)), 20)"]);
`;

async function untilRuns(world: RuntimeWorld, key: ServiceKey): Promise<void> {
  await waitUntil(`${key.name} runs`, async () => (await world.state(key)).status === "running");
}

describe.skipIf(process.platform !== "linux")("a service with a limit", () => {
  it("that eats memory is ended with the reason, with all that it started, and everything else goes on", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await world.runtime.create(modest, await world.upload(modest, { "index.ts": serviceProgram("v1") }), {
      resources: limit,
    });
    await untilRuns(world, modest);
    const [before] = (await world.state(modest)).instances;
    const source = await world.upload(hungry, { "index.ts": serviceProgram("v1", eater) });
    await world.runtime.create(hungry, source, { resources: limit });
    const reason = "used more than the 256 MiB of memory that it may, and was killed";
    await waitUntil("it is ended", async () => (await world.state(hungry)).error === reason);
    const isLogged = async (): Promise<boolean> => {
      const lines = await Array.fromAsync(world.runtime.logs(hungry, {}));
      return lines.some(({ stream, text }) => stream === "system" && text.startsWith(`${reason}; starting again`));
    };
    await waitUntil("it is logged", isLogged);
    expect((await world.state(modest)).instances).toEqual([before ?? expect.anything()]);
    const pid = before?.pid ?? 0;
    expect(readGroupMemory(new Set([pid])).get(pid) ?? 0).toBeLessThan(limit.memoryBytes);
    await world.runtime.delete(hungry);
  });

  it("has what micro.json says, unless it was said otherwise, and can be told anew", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const files = { "index.ts": serviceProgram("v1"), "micro.json": '{"resources": {"memory": "4MiB"}}' };
    await world.runtime.create(hungry, await world.upload(hungry, files), {});
    const reason = /^used more than the 4 MiB of memory/;
    await waitUntil("it is ended", async () => reason.test((await world.state(hungry)).error ?? ""));
    await world.runtime.update(hungry, "", { resources: { memoryBytes: 512 * MiB } });
    await untilRuns(world, hungry);
    await expect(world.runtime.update(hungry, "", { resources: { memoryBytes: 5 } })).rejects.toThrow(/4 MiB or more/);
    await expect(world.runtime.update(hungry, "", { resources: { cpuCores: -1 } })).rejects.toThrow(/cores above 0/);
  });
});
