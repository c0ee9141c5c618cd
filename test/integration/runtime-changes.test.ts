import { describe, expect, it } from "bun:test";
import { readdirSync } from "node:fs";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { ask, deploy, isAlive, key, other, pidOf, untilStatus } from "./runtime-actions.ts";
import { serviceProgram, startRuntimeWorld } from "./runtime-world.ts";

describe("LocalRuntime.rollback()", () => {
  it("goes back one version each time, with as many processes as there are, and says when there is none", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"), { env: ["COLOUR=blue"] });
    await untilStatus(world, "running");
    for (const version of ["v2", "v3"]) {
      await world.runtime.update(key, await world.upload(key, { "index.ts": serviceProgram(version) }));
      expect(await ask(world)).toBe(version);
    }
    await world.runtime.scale(key, 2);
    await world.runtime.rollback(key);
    expect(await ask(world)).toBe("v2");
    expect((await world.state(key)).instances).toHaveLength(2);
    await world.runtime.rollback(key);
    expect(await ask(world)).toBe("v1");
    await expect(world.runtime.rollback(key)).rejects.toMatchObject({
      code: "failed_precondition",
      message: "greeter has no version before this one",
    });
    expect(world.told.map(({ type }) => type)).toContain("rolled_back");
  });

  it("happens by itself when a new version ends again and again soon after it came", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const weak = serviceProgram(
      "v2",
      'setTimeout(() => { console.error("Error: no memory"); process.exit(7); }, 100);',
    );
    await world.runtime.update(key, await world.upload(key, { "index.ts": weak }));
    await waitUntil("the old one is back", async () => {
      const { status, error } = await world.state(key);
      return status === "running" && error?.startsWith("taken back");
    });
    expect(await ask(world)).toBe("v1");
    expect((await world.state(key)).error).toBe(
      "taken back, the new version did not live: exited with code 7: Error: no memory",
    );
  });
});

describe("LocalRuntime.scale()", () => {
  it("adds and ends processes, and leaves those that stay alone", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    await world.runtime.scale(key, 6);
    const states = (await world.state(key)).instances;
    expect(states.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => "running"));
    await world.runtime.scale(key, 1);
    expect((await world.state(key)).instances.map((each) => each.pid)).toEqual([pid]);
    expect(states.filter((each) => isAlive(each.pid ?? 0)).map((each) => each.pid)).toEqual([pid]);
    await expect(world.runtime.scale(key, 0)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(world.runtime.scale(other, 2)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("LocalRuntime.update() of many processes", () => {
  it("never runs more than a few beside those that there are, and none that failed afterwards", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"), { instances: 6 });
    await waitUntil("all run", async () =>
      (await world.state(key)).instances.every(({ status }) => status === "running"),
    );
    const counts = new Set<number>();
    const notes = `${temp.path}/runtime/run`;
    const watching = setInterval(() => {
      counts.add(readdirSync(notes).filter((name) => name.endsWith(".process.json")).length);
    }, 2);
    await world.runtime.update(key, await world.upload(key, { "index.ts": serviceProgram("v2") }));
    // The fifth of the new ones fails: the four before have taken the place of old ones by then.
    const counter = `${temp.path}/count`;
    const late = `import { appendFileSync, statSync } from "node:fs";
      appendFileSync(${JSON.stringify(counter)}, "x");
      if (statSync(${JSON.stringify(counter)}).size > 4) throw new Error("too many");
      ${serviceProgram("v3")}`;
    await expect(world.runtime.update(key, await world.upload(key, { "index.ts": late }))).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("too many"),
    });
    await waitUntil("as many as before run", async () => {
      const { instances } = await world.state(key);
      return instances.length === 6 && instances.every(({ status }) => status === "running");
    });
    clearInterval(watching);
    expect(Math.max(...counts)).toBeLessThanOrEqual(10);
    expect(await ask(world)).toBe("v2");
    await waitUntil("nothing else runs", () => {
      return readdirSync(notes).filter((name) => name.endsWith(".process.json")).length === 6;
    });
  });
});

describe("a canary of LocalRuntime", () => {
  it("comes back with its share after a restart, and ends with a rollback", async () => {
    await using temp = await createTempFolder();
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      await deploy(world, serviceProgram("v1"));
      await untilStatus(world, "running");
      const options = { canaryPercent: 10 };
      await world.runtime.update(key, await world.upload(key, { "index.ts": serviceProgram("v2") }), options);
      await expect(world.runtime.restart(key)).rejects.toMatchObject({ code: "failed_precondition" });
    }
    await using world = await startRuntimeWorld({ folder: temp.path });
    await waitUntil("both versions run", async () => {
      const { canaryPercent, instances } = await world.state(key);
      return canaryPercent === 10 && instances.filter(({ status }) => status === "running").length === 2;
    });
    const shares = world.registry.nodes(key.name, key.namespace).map(({ metadata }) => metadata["share"]);
    expect(new Set(shares)).toEqual(new Set([undefined, "10"]));
    await world.runtime.rollback(key);
    expect(world.registry.nodes(key.name, key.namespace).map(({ metadata }) => metadata["share"])).toEqual([undefined]);
    expect(await ask(world)).toBe("v1");
    await expect(world.runtime.promote(key)).rejects.toMatchObject({ code: "failed_precondition" });
  });

  it("ends by itself when it fails soon after it came, and leaves the rest alone", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    const weak = serviceProgram(
      "v2",
      'setTimeout(() => { console.error("Error: no memory"); process.exit(7); }, 100);',
    );
    const source = await world.upload(key, { "index.ts": weak });
    await world.runtime.update(key, source, { canaryPercent: 10 });
    await waitUntil("it is gone", async () => (await world.state(key)).canaryPercent === undefined);
    const { error, instances } = await world.state(key);
    expect(error).toBe("taken back, the new version did not live: exited with code 7: Error: no memory");
    expect(instances.map((each) => each.pid)).toEqual([pid]);
  });

  it("takes over all calls when it is promoted, in the processes that it has", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"), { instances: 2 });
    await untilStatus(world, "running");
    const source = await world.upload(key, { "index.ts": serviceProgram("v2") });
    await world.runtime.update(key, source, { canaryPercent: 50 });
    const canary = (await world.state(key)).instances.find(({ share }) => share === 50);
    await world.runtime.promote(key);
    const { instances, canaryPercent } = await world.state(key);
    expect(canaryPercent).toBeUndefined();
    expect(instances).toHaveLength(2);
    expect(instances.map(({ id }) => id)).toContain(canary?.id ?? "");
    expect(world.registry.nodes(key.name, key.namespace).map(({ metadata }) => metadata["share"])).toEqual([
      undefined,
      undefined,
    ]);
    await world.runtime.rollback(key);
    expect(await ask(world)).toBe("v1");
  });
});

describe("LocalRuntime.update() to something that cannot live", () => {
  it.each([
    ["dies before it listens", 'throw new Error("born dead")', "exited with code 1: error: born dead"],
    ["never listens", "setInterval(() => {}, 1000)", "did not register within 0.3s"],
    ["dies as soon as it has registered", serviceProgram("v2", "process.kill(process.pid, 'SIGSEGV')"), undefined],
  ])("that %s leaves the old one serving", async (_what, program, reason) => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({
      folder: temp.path,
      startTimeoutMs: reason?.includes("0.3s") ? 300 : 30_000,
    });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const update = world.runtime.update(key, await world.upload(key, { "index.ts": program }));
    if (reason === undefined) await update.catch(() => undefined);
    else await expect(update).rejects.toMatchObject({ message: expect.stringContaining(reason) });
    await waitUntil("the old one serves alone", async () => {
      const { instances } = await world.state(key);
      return (
        instances.length === 1 && instances[0]?.status === "running" && (await ask(world).catch(() => "")) === "v1"
      );
    });
    expect((await world.state(key)).error).toBeString();
  });
});
