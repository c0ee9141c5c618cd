import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { baseEnvironment } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { ask, deploy, isAlive, key, other, pidOf, readLog, untilStatus } from "./runtime-actions.ts";
import { serviceProgram, startRuntimeWorld } from "./runtime-world.ts";

describe("LocalRuntime.create()", () => {
  it("says running only when the service is registered and answers", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"), { metadata: { source: "/home/greeter" }, owner: "admin" });
    expect(await world.state(key)).toMatchObject({ status: expect.stringMatching(/^(pending|starting)$/) });
    await untilStatus(world, "running");
    expect(await ask(world)).toBe("v1");
    expect(await world.state(key)).toMatchObject({
      source: "/home/greeter",
      metadata: { owner: "admin" },
      instances: [{ restartCount: 0, status: "running" }],
    });
  });

  it("gives the service its identity and nothing of the server's environment", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1", "console.log(JSON.stringify(process.env))"), { env: ["COLOUR=blue"] });
    await untilStatus(world, "running");
    const line = await waitUntil("the environment is logged", async () =>
      (await readLog(world)).find(({ text }) => text.startsWith("{")),
    );
    const env = JSON.parse(line.text) as Record<string, string>;
    expect(
      Object.keys(env)
        .filter((name) => name.startsWith("MICRO_"))
        .sort(),
    ).toEqual([
      "MICRO_CLIENT_ID",
      "MICRO_CLIENT_SECRET",
      "MICRO_NAMESPACE",
      "MICRO_PUBLIC_KEY",
      "MICRO_SERVICE_ADDRESS",
      "MICRO_SERVICE_INSTANCE",
      "MICRO_SERVICE_NAME",
      "MICRO_SERVICE_NETWORK",
      "MICRO_SERVICE_PROFILE",
      "MICRO_SERVICE_VERSION",
    ]);
    expect(env).toMatchObject({ COLOUR: "blue", MICRO_SERVICE_PROFILE: "client", MICRO_NAMESPACE: "micro" });
    expect(env["SERVER_SECRET"]).toBeUndefined();
    expect(env["HOME"]).toBe(`${temp.path}/runtime/work/micro/greeter`);
  });

  it("refuses what cannot run and leaves nothing behind", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const source = await world.upload(key, { "README.md": "nothing to run" });
    const refusal = world.runtime.create(key, source, {});
    await expect(refusal).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("no entry point"),
    });
    await expect(world.runtime.create(other, "source://missing:latest", {})).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(await world.runtime.read({ namespace: "*" })).toEqual([]);
  });

  it("refuses a second service of the same name while it runs, and takes it when the first one fails", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, "process.exit(3)");
    await untilStatus(world, "error");
    await deploy(world, serviceProgram("fixed"));
    await untilStatus(world, "running");
    await expect(deploy(world, serviceProgram("again"))).rejects.toMatchObject({ code: "conflict" });
    expect(await ask(world)).toBe("fixed");
  });

  it("runs JavaScript on Node where package.json asks for that", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const program = `import { createServer } from "node:http";
      const { MICRO_SERVICE_ADDRESS: address, MICRO_SERVICE_NETWORK: network, MICRO_CLIENT_ID: instance } = process.env;
      createServer((request, response) => response.end(process.release.name)).listen(address.slice(5), () =>
        fetch("http://" + network + "/register", { method: "POST", body: JSON.stringify({
          namespace: "micro", name: "greeter", version: "latest", instance, address,
        }) }));`;
    const manifest = JSON.stringify({ type: "module", main: "start.js", engines: { node: ">=20" } });
    await world.runtime.create(key, await world.upload(key, { "start.js": program, "package.json": manifest }), {});
    await untilStatus(world, "running");
    expect(await ask(world)).toBe("node");
  });

  it("runs any program with a command", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const source = await world.upload(key, { "data.txt": "what is in the source\n" });
    await world.runtime.create(key, source, { command: ["sh", "-c"], args: ["cat data.txt; exec sleep 60"] });
    await waitUntil("it printed", async () =>
      (await readLog(world)).some(({ text }) => text === "what is in the source"),
    );
    expect(await world.state(key)).toMatchObject({ status: "starting" });
  });
});

describe("a service of LocalRuntime that ends", () => {
  it("leaves the registry at once and is started again", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    process.kill(pid, "SIGKILL");
    await waitUntil("its node is gone", () => world.registry.nodes(key.name, key.namespace).length === 0);
    await untilStatus(world, "running");
    const [instance] = (await world.state(key)).instances;
    expect(instance).toMatchObject({ restartCount: 1 });
    expect(instance?.pid).not.toBe(pid);
  });

  it("shows why, in one line", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, 'import { missing } from "nowhere-at-all";\nmissing();');
    await untilStatus(world, "error");
    const { error } = await world.state(key);
    expect(error).toMatch(/^exited with code 1: error: Cannot find .*nowhere-at-all/);
    expect(error).not.toContain("\n");
  });

  it("is not started again in a hot loop when it exits with success", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, "console.log('done')");
    await waitUntil(
      "it was started three times",
      async () => ((await world.state(key)).instances[0]?.restartCount ?? 0) >= 2,
    );
    const state = await world.state(key);
    expect(state).toMatchObject({ status: "error", error: "exited with code 0" });
    const waits = (await readLog(world)).filter(({ stream, text }) => stream === "system" && text.includes("again"));
    expect(waits.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^exited with code 0; starting again in 0\.[1-4]s$/),
    );
  });

  it("takes the processes that it started with it", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const program = serviceProgram("v1", 'console.log("child " + Bun.spawn(["sleep", "600"]).pid);');
    await deploy(world, program);
    const line = await waitUntil("the child is there", async () =>
      (await readLog(world)).find(({ text }) => text.startsWith("child ")),
    );
    process.kill(await pidOf(world), "SIGKILL");
    await waitUntil("the child is gone", () => !isAlive(Number(line.text.slice("child ".length))));
  });

  it.skipIf(process.platform !== "linux")("takes also those that moved into a session of their own", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const start =
      'console.log("child " + Bun.spawn(["sleep", "600"], { detached: true, stdio: ["ignore", "ignore", "ignore"] }).pid);';
    await deploy(world, serviceProgram("v1", start));
    const line = await waitUntil("the child is there", async () =>
      (await readLog(world)).find(({ text }) => text.startsWith("child ")),
    );
    const pid = Number(line.text.slice("child ".length));
    expect(isAlive(pid)).toBe(true);
    await world.runtime.delete(key);
    await waitUntil("the child is gone", () => !isAlive(pid));
  });

  it("is late when it does not register, and says so", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path, startTimeoutMs: 300 });
    await deploy(world, "setInterval(() => {}, 1000)");
    await untilStatus(world, "error");
    expect((await world.state(key)).error).toBe("did not register within 0.3s");
    expect(isAlive(await pidOf(world))).toBe(true);
  });
});

describe("LocalRuntime.delete()", () => {
  it("kills what ignores TERM after the grace, and forgets everything", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path, stopGraceMs: 300 });
    await deploy(world, serviceProgram("v1", 'process.on("SIGTERM", () => console.log("no"));'));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    await world.runtime.delete(key);
    expect(isAlive(pid)).toBe(false);
    expect(await world.runtime.read({ namespace: "micro" })).toEqual([]);
    expect(world.registry.nodes(key.name, key.namespace)).toEqual([]);
    expect(world.revoked).toEqual(["micro/greeter:latest"]);
    expect(await world.store.keys({ database: "micro", table: "runtime" })).toEqual([]);
    expect(await readdir(`${temp.path}/runtime/sources`)).toEqual([]);
    expect(await readdir(`${temp.path}/runtime/run`)).toEqual([]);
    expect(existsSync(`${temp.path}/logs/micro/greeter.log`)).toBe(false);
    await expect(world.runtime.delete(key)).rejects.toMatchObject({ code: "not_found" });
  });

  it("takes only the version that is named", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const longer = { ...key, version: "latest2" };
    const source = await world.upload(key, { "index.ts": serviceProgram("v1") });
    await world.runtime.create(key, source, {});
    await world.runtime.create(longer, source, {});
    await world.runtime.delete(key);
    expect((await world.runtime.read({ namespace: "micro" })).map(({ version }) => version)).toEqual(["latest2"]);
    await expect(readLog(world)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("LocalRuntime.update()", () => {
  it("switches when the new version answers, and never leaves the service without a node", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    const counts = new Set<number>();
    const watching = setInterval(() => counts.add(world.registry.nodes(key.name, key.namespace).length), 1);
    await world.runtime.update(key, await world.upload(key, { "index.ts": serviceProgram("v2") }));
    clearInterval(watching);
    expect(counts.has(0)).toBe(false);
    expect(await ask(world)).toBe("v2");
    expect(await world.state(key)).toMatchObject({ status: "running" });
    expect(isAlive(pid)).toBe(false);
    // The version before is kept, to go back to.
    expect(await readdir(`${temp.path}/runtime/sources`)).toHaveLength(2);
  });

  it("keeps the old version when the new one does not start, and says why", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    const pid = await pidOf(world);
    const broken = await world.upload(key, { "index.ts": 'throw new Error("broken inside")' });
    await expect(world.runtime.update(key, broken)).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("broken inside"),
    });
    expect(await ask(world)).toBe("v1");
    expect(await pidOf(world)).toBe(pid);
    expect(await world.state(key)).toMatchObject({
      status: "running",
      error: expect.stringContaining("broken inside"),
    });
  });

  it("does not protect what never answered", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, "process.exit(1)");
    await untilStatus(world, "error");
    await world.runtime.update(key, await world.upload(key, { "index.ts": "process.exit(2)" }));
    await waitUntil("the new one failed", async () => (await world.state(key)).error === "exited with code 2");
    await world.runtime.update(key, await world.upload(key, { "index.ts": serviceProgram("fixed") }));
    await untilStatus(world, "running");
    expect(await ask(world)).toBe("fixed");
  });

  it("restarts the present source when none is named, also after another upload", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1"));
    await untilStatus(world, "running");
    await world.upload(key, { "index.ts": serviceProgram("v2") });
    await world.runtime.update(key, "", { instances: 2 });
    expect(await ask(world)).toBe("v1");
    expect((await world.state(key)).instances).toHaveLength(2);
    await expect(world.runtime.update(other, "")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("LocalRuntime.stop()", () => {
  it("ends all services together, also one that is being updated, and leaves them declared", async () => {
    await using temp = await createTempFolder();
    const pids: number[] = [];
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      await deploy(world, serviceProgram("v1"));
      await world.runtime.create(other, await world.upload(other, { "index.ts": serviceProgram("other") }), {});
      await untilStatus(world, "running");
      const silent = await world.upload(key, { "index.ts": "setInterval(() => {}, 1000)" });
      const update = world.runtime.update(key, silent);
      const notes = `${temp.path}/runtime/run`;
      const names = await waitUntil("three processes run", async () => {
        const found = (await readdir(notes)).filter((name) => name.endsWith(".process.json"));
        return found.length === 3 ? found : undefined;
      });
      for (const name of names) pids.push(((await Bun.file(`${notes}/${name}`).json()) as { pid: number }).pid);
      await Promise.all([
        world.runtime.stop(),
        expect(update).rejects.toMatchObject({ code: "unavailable", message: "the server is stopping" }),
      ]);
      await expect(world.runtime.delete(key)).rejects.toMatchObject({ code: "unavailable" });
    }
    expect(pids.filter(isAlive)).toEqual([]);
    await using world = await startRuntimeWorld({ folder: temp.path });
    await untilStatus(world, "running");
    expect(await ask(world)).toBe("v1");
    expect((await world.state(key)).error).toBeUndefined();
  });
});

describe("LocalRuntime after a restart", () => {
  it("brings services back with the source that they had", async () => {
    await using temp = await createTempFolder();
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      await deploy(world, serviceProgram("v1"));
      await untilStatus(world, "running");
    }
    await using world = await startRuntimeWorld({ folder: temp.path });
    await untilStatus(world, "running");
    expect(await ask(world)).toBe("v1");
  });

  it("ends what survived a killed server, so that there is neither orphan nor duplicate", async () => {
    await using temp = await createTempFolder();
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      await deploy(world, serviceProgram("v1"));
      await untilStatus(world, "running");
    }
    const host = Bun.spawn([process.execPath, new URL("./runtime-host.ts", import.meta.url).pathname, temp.path], {
      env: baseEnvironment(),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    // A service that has answered: one that is still starting would not outlive the server that it registers with.
    await host.stdout.getReader().read();
    const notesFolder = `${temp.path}/runtime/run`;
    const note = (await readdir(notesFolder)).find((each) => each.endsWith(".process.json")) ?? "";
    const { pid: orphan } = (await Bun.file(`${notesFolder}/${note}`).json()) as { pid: number };
    host.kill("SIGKILL");
    await host.exited;
    expect(isAlive(orphan)).toBe(true);
    await using world = await startRuntimeWorld({ folder: temp.path });
    await untilStatus(world, "running");
    expect(isAlive(orphan)).toBe(false);
    expect(world.registry.nodes(key.name, key.namespace)).toHaveLength(1);
  });
});

describe("LocalRuntime.logs()", () => {
  it("keeps the memory flat and the newest lines when a service floods them", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const source = await world.upload(key, { "data.txt": "" });
    const flood = "0123456789012345678901234567890123456789";
    await world.runtime.create(key, source, { command: ["sh", "-c"], args: [`exec yes ${flood}`] });
    const full = `${temp.path}/logs/micro/greeter.log.1`;
    await waitUntil("a file is full", () => existsSync(full));
    const { ino } = await stat(full);
    const before = process.memoryUsage().rss;
    await waitUntil("another file is full", async () => {
      // It is missing for the moment in which the files move on.
      const now = await stat(full).catch(() => undefined);
      return now !== undefined && now.ino !== ino;
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    const lines = await readLog(world, { count: 3 });
    expect(lines.map(({ text }) => text)).toEqual([flood, flood, flood]);
  });

  it("follows new lines and ends with its reader", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await deploy(world, serviceProgram("v1", 'let count = 0; setInterval(() => console.log("tick " + count++), 20);'));
    const texts: string[] = [];
    for await (const { stream, text } of world.runtime.logs(key, { follow: true })) {
      if (stream === "stdout" && texts.push(text) === 5) break;
    }
    expect(texts).toEqual(["up", "tick 0", "tick 1", "tick 2", "tick 3"]);
  });
});
