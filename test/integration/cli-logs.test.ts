import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { runInTerminal } from "#testing/run-in-terminal.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** The logs of two services, one of which writes JSON, and of the server itself. */
let server: TestServer;
let folder: TempFolder;

function service(name: string, lines: readonly string[]): string {
  return `import { service, z } from "micro-ts";
const one = service("${name}");
one.endpoint("${name}.Say", {
  request: z.object({ text: z.string() }),
  response: z.object({}),
  handle: ({ text }) => {
    console.log(text);
    return {};
  },
});
for (const line of ${JSON.stringify(lines)}) console.log(line);
await one.run();
`;
}

const json = '{"level":50,"time":1769860800000,"msg":"card refused","card":"x"}';

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer({ args: ["--access-log=all"] }), createTempFolder()]);
  await Bun.write(`${folder.path}/orders/index.ts`, service("orders", ["apples", "pears"]));
  await Bun.write(`${folder.path}/billing/index.ts`, service("billing", ["apple pie", json]));
  for (const name of ["orders", "billing"]) {
    expect(await server.micro(["run", `./${name}`, "--instances=2"], { cwd: folder.path })).toMatchObject({ code: 0 });
  }
  await waitUntil("all has been said", async () => (await logs("--grep=card")).length === 2);
  await waitUntil("all has been said", async () => (await logs("--grep=pears")).length === 2);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function logs(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await server.micro(["logs", ...args]);
  expect(stderr).toBe("");
  return stdout.split("\n").slice(0, -1);
}

describe("micro logs", () => {
  it("mixes several services, or all, with their names in front", async () => {
    expect((await logs("orders", "billing", "--grep=apple")).toSorted()).toEqual(
      ["billing | apple pie", "billing | apple pie", "orders  | apples", "orders  | apples"].toSorted(),
    );
    expect(await logs("--grep=apple")).toHaveLength(4);
    expect(await logs("orders", "billing", "--grep=apple", "-n", "3")).toHaveLength(3);
  });

  it("takes the lines of one process, by the beginning of its id", async () => {
    const [line = ""] = await logs("orders", "-o", "json", "--grep=pears");
    const { instance } = JSON.parse(line) as { instance: string };
    const own = await logs("orders", "-o", "json", `--instance=${instance.slice(0, 8)}`);
    expect(own.every((each) => (JSON.parse(each) as { instance: string }).instance === instance)).toBe(true);
    expect(own.filter((each) => each.includes("pears"))).toHaveLength(1);
  });

  it("shows lines of JSON whole to programs, and readable in a terminal, in colors unless they are not wanted", async () => {
    expect(await logs("billing", "--grep=card", "-n", "1")).toEqual([json]);
    const [line = ""] = await logs("billing", "--grep=card", "-n", "1", "-o", "json");
    expect(JSON.parse(line)).toMatchObject({ Message: json, level: "error", stream: "stdout" });
    const shown = "2026-01-31T12:00:00.000Z error card refused card=x";
    const args = ["logs", "billing", "--grep=card", "-n", "1"];
    await using plain = runInTerminal(args, { env: { ...server.env, NO_COLOR: "1" } });
    await plain.exited;
    expect(plain.screen()).toBe(`${shown}\r\n`);
    await using colored = runInTerminal(args, { env: server.env });
    await colored.exited;
    expect(colored.screen()).toBe(`\u001b[31m${shown}\u001b[0m\r\n`);
  });

  it("follows several services and what they say later, filtered on the server", async () => {
    await using following = spawnMicro(["logs", "orders", "billing", "-f", "-n", "1", "--grep=late"], server.env);
    const say = (name: string, text: string) => server.micro([name, "say", `--text=${text}`]);
    await waitUntil("it follows", async () => {
      await say("orders", "late oranges");
      return following.stdout().includes("oranges");
    });
    await say("billing", "early bill");
    await say("billing", "late bill");
    await waitUntil("the other service is heard", () => following.stdout().includes("billing | late bill\n"));
    expect(following.stdout()).not.toContain("early");
    expect(await following.end("SIGINT")).toBe(0);
  });

  it("has what the parts of the server log, for administrators of the installation", async () => {
    expect((await server.micro(["orders", "say", "--text=x"])).code).toBe(0);
    await fetch(`http://${server.addresses.gateway}/orders/Say?text=by-http`, { method: "POST" });
    await waitUntil("the gateway has logged the call", async () =>
      (await logs("gateway")).some((each) => /path="?\/orders/.test(each)),
    );
    const [started = ""] = await logs("server", "-n", "1", "--grep=started");
    expect(started).toMatch(/ info {2}started version=/);
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
    for (const part of ["gateway", "server"]) {
      const refused = await server.micro(["--namespace=foo", "logs", part]);
      expect(refused).toMatchObject({
        code: 127,
        stdout: "",
        stderr: `service ${part} is not deployed in namespace foo\n`,
      });
    }
  });

  it("says what is wrong", async () => {
    expect(await server.micro(["logs", "orders@v1", "billing"])).toMatchObject({ code: 1, stdout: "" });
    expect(await server.micro(["logs", "nothing"])).toMatchObject({ code: 127, stdout: "" });
  });
});
