import { describe, expect, it } from "bun:test";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

const greeter = `import { service, z } from "micro-ts";
const greeter = service("greeter");
greeter.endpoint("Greeter.Crash", {
  request: z.object({}),
  response: z.object({}),
  handle: () => {
    setTimeout(() => process.exit(3), 10);
    return {};
  },
});
await greeter.run();
`;

/** What happened to services of a namespace so far, as `type of name`, in order. */
async function readTold(server: TestServer, ...flags: string[]): Promise<string[]> {
  const { stdout } = await server.micro(["events", "read", "runtime", ...flags]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { Type: string; Service: { name: string } })
    .map(({ Type, Service }) => `${Type} of ${Service.name}`);
}

describe("the topic runtime", () => {
  it("tells each namespace in order what happens to its services, and is written by nobody else", async () => {
    await using server = await startServer();
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/greeter/index.ts`, greeter);
    const run = (...args: string[]) => server.micro(args, { cwd: folder.path });
    expect(await run("run", "./greeter")).toMatchObject({ code: 0 });
    await run("greeter", "crash");
    await waitUntil("it is back", async () => (await readTold(server)).length >= 6);
    await Bun.write(`${folder.path}/greeter/index.ts`, "throw new Error('broken')");
    expect(await run("update", "./greeter")).toMatchObject({ code: 1 });
    await run("kill", "greeter");
    const told = await waitUntil("its end is told", async () => {
      const all = await readTold(server);
      return all.at(-1) === "service.deleted of greeter" && all;
    });
    expect(told.filter((each) => !/started|stopped/.test(each))).toEqual(
      ["created", "healthy", "crashed", "healthy", "crashed", "rolled_back", "deleted"].map(
        (type) => `service.${type} of greeter`,
      ),
    );

    await server.micro([
      "auth",
      "create",
      "account",
      "fred",
      "--secret=open-sesame",
      "--namespace=foo",
      "--scopes=admin",
    ]);
    await server.micro(["--namespace=foo", "login", "--username=fred", "--password=open-sesame"]);
    expect(await readTold(server, "--namespace=foo")).toEqual([]);
    await Bun.write(`${folder.path}/greeter/index.ts`, greeter);
    expect(await run("run", "./greeter", "--namespace=foo")).toMatchObject({ code: 0 });
    await waitUntil("foo hears of its own", async () => (await readTold(server, "--namespace=foo")).length >= 3);
    expect((await readTold(server)).length).toBe(told.length);

    const forged = await run("events", "publish", "runtime", '{"Type":"service.deleted"}');
    expect(forged).toMatchObject({ code: 127, stderr: "only the runtime publishes on topic runtime\n" });
  }, 60_000);

  it("is for whoever has the right, who follows with it what happens", async () => {
    await using server = await startServer();
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/greeter/index.ts`, greeter);
    await server.micro(["auth", "create", "account", "ann", "--secret=a-long-secret", "--scopes=reader"]);
    const own = { ...server.env, MICRO_CONFIG_FILE: `${folder.path}/ann.json` };
    const login = ["login", "--username=ann", "--password=a-long-secret"];
    expect(await server.micro(login, { env: own })).toMatchObject({ code: 0 });
    expect(await server.micro(["events", "read", "runtime"], { env: own })).toMatchObject({ code: 127, stdout: "" });
    const rule = ["auth", "create", "rule", "readers", "--scope=reader", "--resource=stream:runtime:consume"];
    expect(await server.micro(rule)).toMatchObject({ code: 0 });
    await using hearing = spawnMicro(["events", "consume", "runtime", "--from", "earliest"], own);
    expect(await server.micro(["run", `${folder.path}/greeter`])).toMatchObject({ code: 0 });
    const lines = await hearing.lines(3);
    expect(lines.map((line) => (JSON.parse(line) as { Type: string }).Type)).toEqual([
      "service.created",
      "service.started",
      "service.healthy",
    ]);
  }, 60_000);
});
