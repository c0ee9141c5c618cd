import { describe, expect, it } from "bun:test";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { ask, deploy, deployFiles, isAlive, key, pidOf, readLog, untilStatus } from "./runtime-actions.ts";
import { serviceProgram, startRuntimeWorld } from "./runtime-world.ts";

const often = { healthIntervalMs: 30, healthFailureCount: 2 };

/** Answers with a status that is read from a file, so that a test can change it. */
function moodyProgram(file: string): string {
  return `
    const env = process.env;
    const status = async () => Number(await Bun.file(${JSON.stringify(file)}).text());
    Bun.serve({ unix: env.MICRO_SERVICE_ADDRESS.slice(5), fetch: async () => new Response("moody", { status: await status() }) });
    const said = { namespace: env.MICRO_NAMESPACE, name: env.MICRO_SERVICE_NAME, version: env.MICRO_SERVICE_VERSION, instance: env.MICRO_CLIENT_ID, address: env.MICRO_SERVICE_ADDRESS };
    await fetch("http://" + env.MICRO_SERVICE_NETWORK + "/register", { method: "POST", body: JSON.stringify(said) });`;
}

describe("a service of LocalRuntime that is not ready", () => {
  it("gets no calls, is not ended, and gets calls again when it is", async () => {
    await using temp = await createTempFolder();
    const mood = `${temp.path}/mood`;
    await Bun.write(mood, "503");
    await using world = await startRuntimeWorld({ folder: temp.path, ...often });
    const nodes = (): number => world.registry.nodes(key.name, key.namespace).length;
    await deploy(world, moodyProgram(mood));
    await waitUntil("it is registered", async () => {
      const [instance] = (await world.state(key)).instances;
      return instance !== undefined && world.registry.registrations(instance.id).length > 0;
    });
    expect(nodes()).toBe(0);
    await Bun.write(mood, "200");
    await untilStatus(world, "running");
    expect(nodes()).toBe(1);
    const pid = await pidOf(world);
    await Bun.write(mood, "503");
    await untilStatus(world, "error");
    expect(nodes()).toBe(0);
    expect((await world.state(key)).error).toBe("not ready: it answers that it cannot serve, and gets no calls");
    await Bun.write(mood, "200");
    await untilStatus(world, "running");
    expect(nodes()).toBe(1);
    expect(await pidOf(world)).toBe(pid);
    expect((await world.state(key)).instances).toMatchObject([{ restartCount: 0 }]);
  });
});

describe("a service of LocalRuntime that hangs", () => {
  it("is ended and started again, with the reason in status and log", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path, ...often });
    await deploy(world, serviceProgram("v1", 'process.on("SIGTERM", () => undefined);'));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    process.kill(pid, "SIGSTOP");
    await waitUntil("it was started again", async () => (await world.state(key)).instances[0]?.restartCount === 1);
    await untilStatus(world, "running");
    expect(isAlive(pid)).toBe(false);
    expect(await ask(world)).toBe("v1");
    const reason = "hung: no answer to 2 health checks in a row, over 0.03s";
    expect((await readLog(world)).map(({ text }) => text)).toContain(reason);
    expect(world.told).toContainEqual(expect.objectContaining({ type: "crashed", reason }));
  });

  it("is asked as often as its micro.json says", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path, healthFailureCount: 2 });
    const manifest = JSON.stringify({ health: { interval: "100ms" } });
    await deployFiles(world, { "index.ts": serviceProgram("v1"), "micro.json": manifest });
    await untilStatus(world, "running");
    process.kill(await pidOf(world), "SIGSTOP");
    await waitUntil("it was started again", async () => (await world.state(key)).instances[0]?.restartCount === 1);
    const reason = "hung: no answer to 2 health checks in a row, over 0.1s";
    expect((await readLog(world)).map(({ text }) => text)).toContain(reason);
  });
});

describe("a service of LocalRuntime that ends again and again", () => {
  it("is in a crash loop after five times, which status says beside the reason", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, 'console.error("Error: no database"); process.exit(4);');
    await waitUntil("it is a crash loop", async () => (await world.state(key)).instances[0]?.isCrashLooping === true);
    expect(await world.state(key)).toMatchObject({
      status: "error",
      error: "crash loop, 5 times in a row: exited with code 4: Error: no database",
    });
  });
});
