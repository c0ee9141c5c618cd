import { describe, expect, it } from "bun:test";
import type { ServiceKey } from "#interface/runtime.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { serviceProgram, startRuntimeWorld, type RuntimeWorld } from "./runtime-world.ts";

const key: ServiceKey = { namespace: "micro", name: "greeter", version: "latest" };
const by = { account: "admin" };
const program = serviceProgram("v1", 'console.log("has", ["A", "B", "C", "D"].map((name) => env[name]).join("|"))');

async function untilPrinted(world: RuntimeWorld, text: string): Promise<void> {
  await waitUntil(`it prints ${text}`, async () => {
    const lines = await Array.fromAsync(world.runtime.logs(key, {}));
    return lines.some((line) => line.text === text);
  });
}

/** Everything that the runtime keeps or shows of the service. */
async function everything(world: RuntimeWorld, folder: string): Promise<string> {
  const files = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: folder, dot: true }));
  const read = await Promise.all(files.map((file) => Bun.file(`${folder}/${file}`).text()));
  return [...read, JSON.stringify(await world.runtime.read(key)), JSON.stringify(world.told)].join("\n");
}

describe("the variables of a service", () => {
  it("come from micro.json, config, flags and secrets, the last of one name; config is read at each start", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await world.config.set({ namespace: "micro", path: "db" }, '{"password": "hunter2"}', { ...by, isSecret: true });
    await world.config.set({ namespace: "micro", path: "services.greeter.env" }, '{"B": 12345678901234567890}', by);
    const manifest = JSON.stringify({ env: { A: "config:db.password", B: "written", C: "written", D: "written" } });
    const source = await world.upload(key, { "index.ts": program, "micro.json": manifest });
    await world.runtime.create(key, source, { env: ["C=said"], secrets: { D: "sesame" } });
    await untilPrinted(world, "has hunter2|12345678901234567890|said|sesame");
    await world.config.set({ namespace: "micro", path: "db.password" }, '"hunter3"', by);
    await world.runtime.update(key, "", { secrets: { D: "" } });
    await untilPrinted(world, "has hunter3|12345678901234567890|said|written");
  });

  it("stand in no record, list, event or file", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    await world.config.set({ namespace: "micro", path: "word" }, '"in-config-7c1"', { ...by, isSecret: true });
    const source = await world.upload(key, { "index.ts": serviceProgram("v1", 'console.log("has", env.A.length)') });
    await world.runtime.create(key, source, { env: ["A=config:word"], secrets: { B: "as-secret-9d4" } });
    await untilPrinted(world, "has 13");
    const all = await everything(world, temp.path);
    expect(all).not.toContain("in-config-7c1");
    expect(all).not.toContain("as-secret-9d4");
    await world.runtime.delete(key);
    const state = await world.store.list({ database: "micro", table: "runtime" }, { prefix: "service-secrets:" });
    expect(state).toEqual([]);
  });

  it("are refused in one line when config does not have them, or the name is the runtime's", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const source = await world.upload(key, { "index.ts": program });
    const create = (options: object): Promise<void> => world.runtime.create(key, source, options);
    await expect(create({ env: ["A=config:db.url"] })).rejects.toThrow(
      "A: config of namespace micro has nothing at db.url; set it: micro config set db.url VALUE",
    );
    await expect(create({ env: ["A=config:"] })).rejects.toThrow('A: "config:" needs a path');
    await expect(create({ env: ["A=config:a..b"] })).rejects.toThrow(/^A: /);
    await expect(create({ secrets: { MICRO_CLIENT_ID: "me" } })).rejects.toThrow(
      "MICRO_CLIENT_ID is set by the runtime",
    );
    await world.config.set({ namespace: "micro", path: "services.greeter.env" }, "5", by);
    await expect(create({})).rejects.toThrow("services.greeter.env in config is no object of variables");
    expect(await world.runtime.read(key)).toEqual([]);
  });
});
