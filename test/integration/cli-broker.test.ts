import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { CommandResult } from "#testing/run-command.ts";
import { spawnMicro, type RunningCommand } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** `micro broker …` against a real server. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server[Symbol.asyncDispose]());

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(args);
}

/** How many subscribers of a topic the broker knows. */
async function countSubscribers(topic: string): Promise<number> {
  const { stdout } = await micro("broker", "stats");
  return stdout.split("\n").filter((line) => line.startsWith(`${topic} `)).length;
}

/** Starts a subscriber and waits until the broker knows it. */
async function subscribe(topic: string, ...args: string[]): Promise<RunningCommand> {
  const before = await countSubscribers(topic);
  const running = spawnMicro(["broker", "subscribe", topic, ...args], server.env);
  await waitUntil(`a further subscriber of ${topic}`, async () => (await countSubscribers(topic)) > before);
  return running;
}

const silent = { code: 0, stdout: "", stderr: "" };

describe("micro broker publish and subscribe", () => {
  it("print messages as they come, one a line, and end after so many", async () => {
    await using running = await subscribe("alarms.*", "--limit", "4");
    expect(await micro("broker", "publish", "alarms.fire", '{ "level": 12345678901234567890 }')).toEqual(silent);
    expect(await micro("broker", "publish", "alarms.water", "two", "words")).toEqual(silent);
    expect(await server.micro(["broker", "publish", "alarms.file", "-"], { stdin: "two\nlines" })).toEqual(silent);
    expect(await micro("broker", "publish", "elsewhere", "not for us")).toEqual(silent);
    expect(await server.micro(["broker", "publish", "alarms.bytes", "-"], { stdin: "\u0001" })).toEqual(silent);
    expect(await running.exited).toBe(0);
    expect(running.stdout()).toBe('{"level":12345678901234567890}\ntwo words\ntwo\\nlines\n0x01\n');
    expect(running.stderr()).toBe("");
  });

  it("carry headers, shown to people with -v and to programs always", async () => {
    await using people = await subscribe("news", "-v");
    await using programs = await subscribe("news", "-o", "json");
    await micro("broker", "publish", "news", "{}", "--header", "origin=me", "--header", "a=b=c");
    const [line = ""] = await people.lines(1);
    expect(line).toStartWith("news  Content-Type=application/json  origin=me  a=b=c");
    const [json = ""] = await programs.lines(1);
    const message = JSON.parse(json) as { readonly header: Readonly<Record<string, string>> };
    expect(message).toMatchObject({
      topic: "news",
      header: { "Content-Type": "application/json", origin: "me", a: "b=c" },
      body: {},
    });
    expect(Object.keys(message.header).filter((key) => /auth/i.test(key))).toEqual([]);
    await micro("broker", "publish", "news", "plain", "--header", "content-type=text/html");
    expect((await people.lines(2))[1]).toContain("content-type=text/html");
    for (const each of [people, programs]) expect(await each.end("SIGINT")).toBe(0);
  });

  it("share the messages of a queue", async () => {
    await using one = await subscribe("work", "--queue", "workers");
    await using other = await subscribe("work", "-q", "workers");
    for (const word of ["a", "b", "c", "d"]) await micro("broker", "publish", "work", word);
    await waitUntil("four messages", () => (one.stdout() + other.stdout()).split("\n").length === 5);
    expect((one.stdout() + other.stdout()).split("\n").toSorted().join("")).toBe("abcd");
    expect(await one.end("SIGTERM")).toBe(0);
    expect(await other.end("SIGINT")).toBe(0);
  });

  it.each([
    [["publish", "topic"], "Missing argument; usage: micro broker publish TOPIC MESSAGE…"],
    [["publish", "topic", "x", "--header", "nope"], 'Invalid value "nope" for flag -header: write KEY=VALUE'],
    [["subscribe"], "Missing argument; usage: micro broker subscribe TOPIC"],
    [["subscribe", "topic", "--limit", "few"], 'Invalid value "few" for flag -limit: it is a whole number from 0 on'],
    [["publish", "topic", "x", "--queue", "q"], "Flag provided but not defined: -queue"],
  ])("refuse %j with one line", async (args, stderr) => {
    expect(await micro("broker", ...args)).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });

  it("say what the broker refuses", async () => {
    const refused = await micro("broker", "publish", "not a topic", "x");
    expect(refused).toMatchObject({ code: 127, stdout: "" });
    expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("micro broker stats", () => {
  it("counts", async () => {
    const before = JSON.parse((await micro("broker", "stats", "-o", "json")).stdout) as { readonly unheard: number };
    await micro("broker", "publish", "nobody.listens", "x");
    const after = JSON.parse((await micro("broker", "stats", "-o", "json")).stdout) as object;
    expect(after).toMatchObject({ unheard: before.unheard + 1, subscriptions: [] });
    expect((await micro("broker", "stats")).stdout).toMatch(/^\d+ published, \d+ of them unheard\n$/);
  });
});
