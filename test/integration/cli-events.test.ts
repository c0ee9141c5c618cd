import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { CommandResult } from "#testing/run-command.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** `micro events …` against a real server. Each test has a topic of its own. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server[Symbol.asyncDispose]());

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(["events", ...args]);
}

/** Publishes events whose payload is 1, 2, 3 … */
async function publishNumbers(topic: string, count: number): Promise<void> {
  const stdin = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
  expect((await server.micro(["events", "publish", topic, "-"], { stdin })).code).toBe(0);
}

const silent = { code: 0, stdout: "", stderr: "" };

describe("micro events publish", () => {
  it("prints the place of the event, and keeps what was published", async () => {
    expect(await micro("publish", "orders", '{ "sum": 9.50 }', "--metadata", "shop=north")).toEqual({
      ...silent,
      stdout: "1\n",
    });
    expect((await micro("publish", "orders", "a", "text", "--raw")).stdout).toBe("2\n");
    expect((await micro("read", "orders")).stdout).toBe('{"sum":9.50}\na text\n');
    const [line = ""] = (await micro("read", "orders", "-v", "-l", "1")).stdout.split("\n");
    expect(line).toMatch(/^1 {2}20\S+Z {2}\S+ {2}shop=north {2}\{"sum":9\.50\}$/);
    const events = JSON.parse((await micro("read", "orders", "-o", "json")).stdout) as object[];
    expect(events).toMatchObject([
      { topic: "orders", sequence: 1, metadata: { shop: "north" }, payload: { sum: 9.5 } },
      { topic: "orders", sequence: 2, payload: "a text" },
    ]);
  });

  it("publishes an id once", async () => {
    expect(JSON.parse((await micro("publish", "once", "1", "--id", "x", "-o", "json")).stdout)).toEqual({
      id: "x",
      sequence: 1,
      duplicate: false,
    });
    const again = await micro("publish", "once", "2", "--id", "x");
    expect(again).toMatchObject({ code: 0, stdout: "1\n" });
    expect(again.stderr).toContain("nothing was published");
    expect((await micro("read", "once")).stdout).toBe("1\n");
  });

  it("publishes each line of standard input, in order", async () => {
    const stdin = Array.from({ length: 12_000 }, (_, index) => `{"n":${index}}`).join("\n");
    const published = await server.micro(["events", "publish", "lines", "-"], { stdin: `\n${stdin}\n\n` });
    expect(published).toEqual({ ...silent, stderr: "12000 events published\n" });
    const read = (await micro("read", "lines", "--limit", "0")).stdout;
    expect(read).toBe(`${stdin}\n`);
    const json = await server.micro(["events", "publish", "lines", "-", "-o", "json"], { stdin: "1\n2" });
    expect(
      json.stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { sequence: number }).sequence),
    ).toEqual([12_001, 12_002]);
  });

  it.each([
    [["publish", "t"], undefined, "Missing argument; usage: micro events publish TOPIC JSON|-"],
    [["publish", "t", "text"], undefined, "the payload is not JSON; --raw publishes it as it is"],
    [["publish", "t", "-"], '{"a":1}\n{"b"\n', "line 2 of standard input is not JSON; --raw publishes it as it is"],
    [["publish", "t", "-", "--id", "x"], "1", "--id is for one event; from standard input come many"],
    [["consume", "t", "--no-ack"], undefined, "--no-ack is for groups: without one nothing is acknowledged"],
    [["read", "t", "--from", "latest"], undefined, "Nothing is behind the latest event yet: see micro events consume"],
    [["retention", "t", "--bytes", "many"], undefined, 'Invalid value "many" for flag -bytes: try 500MB, 2GiB or none'],
    [["retention", "nothing"], undefined, "Not found"],
  ])("refuse %j with one line", async (args, stdin, stderr) => {
    const result = await server.micro(["events", ...args], stdin === undefined ? {} : { stdin });
    expect(result).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });
});

describe("micro events read", () => {
  it("begins at a place or a time, skips and limits", async () => {
    await publishNumbers("history", 5);
    expect((await micro("read", "history", "--from", "4")).stdout).toBe("4\n5\n");
    expect((await micro("read", "history", "--offset", "1", "--limit=2")).stdout).toBe("2\n3\n");
    expect((await micro("read", "history", "--from", "earliest", "-l", "1")).stdout).toBe("1\n");
    expect((await micro("read", "history", "--from", "1h")).stdout).toBe("1\n2\n3\n4\n5\n");
    expect((await micro("read", "history", "--from", "2099-01-01T00:00:00Z")).stdout).toBe("");
    expect(await micro("read", "nothing")).toEqual(silent);
    expect((await micro("read", "nothing", "-o", "json")).stdout).toBe("[]\n");
  });
});

describe("micro events consume", () => {
  it("goes on where the group stopped, and never shows an event twice", async () => {
    await publishNumbers("jobs", 7);
    await micro("consume", "jobs", "--group", "others", "--from", "earliest", "--limit", "1");
    const first = await micro("consume", "jobs", "--group", "workers", "--from", "earliest", "--limit", "3");
    expect(first).toEqual({ ...silent, stdout: "1\n2\n3\n" });
    const group = async (): Promise<object> => {
      const groups = JSON.parse((await micro("groups", "jobs", "-o", "json")).stdout) as { readonly name: string }[];
      return groups.find(({ name }) => name === "workers") ?? {};
    };
    expect(await group()).toMatchObject({ topic: "jobs", sequence: 3, lag: 4, pending: 0, consumers: 0, dead: 0 });
    const rest = await micro("consume", "jobs", "-g", "workers", "--limit", "4", "--output", "json");
    const events = rest.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly payload: number });
    expect(events.map(({ payload }) => payload)).toEqual([4, 5, 6, 7]);
    expect(await group()).toMatchObject({ sequence: 7, lag: 0, pending: 0 });
    // A place moves a group that is known, which earliest does not.
    expect((await micro("consume", "jobs", "-g", "workers", "--from", "6", "--limit", "1")).stdout).toBe("6\n");
  });

  it("shows what comes, and acknowledges it before Ctrl-C ends it", async () => {
    await publishNumbers("live", 1);
    await using member = spawnMicro(["events", "consume", "live", "--group", "g", "--from", "earliest"], server.env);
    await member.lines(1);
    await using reader = spawnMicro(["events", "consume", "live", "--from", "1"], server.env);
    await reader.lines(1);
    await micro("publish", "live", '"two"');
    expect(await member.lines(2)).toEqual(["1", '"two"']);
    expect(await reader.lines(2)).toEqual(["1", '"two"']);
    for (const running of [member, reader]) {
      expect(await running.end("SIGINT")).toBe(0);
      expect(running.stderr()).toBe("");
    }
    const [, row = ""] = (await micro("groups", "live")).stdout.split("\n");
    expect(row.split(/ +/)).toEqual(["live", "g", "2", "0", "0", "0", "0"]);
  });

  it("leaves events to come again where that is said", async () => {
    await publishNumbers("peek", 2);
    const peek = ["consume", "peek", "--group", "g", "--from", "earliest", "--limit", "2"];
    expect((await micro(...peek, "--no-ack")).stdout).toBe("1\n2\n");
    expect((await micro("consume", "peek", "--group", "g", "--limit", "2")).stdout.split("\n").toSorted()).toEqual([
      "",
      "1",
      "2",
    ]);
  });

  it("shares the events of a group", async () => {
    await using one = spawnMicro(["events", "consume", "shared", "--group", "g", "--from", "earliest"], server.env);
    await using other = spawnMicro(["events", "consume", "shared", "--group", "g", "--from", "earliest"], server.env);
    await publishNumbers("shared", 200);
    await waitUntil("all events", () => (one.stdout() + other.stdout()).split("\n").length === 201);
    await one.end("SIGINT");
    await other.end("SIGINT");
    const seen = (one.stdout() + other.stdout()).trimEnd().split("\n").map(Number);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });
});

describe("topics and groups", () => {
  it("are listed, limited and removed", async () => {
    await publishNumbers("kept", 3);
    const topics = (await micro("topics")).stdout.split("\n");
    expect(topics[0]).toMatch(/^TOPIC +FIRST +LAST +EVENTS +BYTES +RETENTION$/);
    expect(topics.find((line) => line.startsWith("kept "))).toMatch(/^kept +1 +3 +3 +\d+ +for ever$/);
    expect((await micro("retention", "kept", "--age", "7d", "--bytes", "1.5GB")).stdout).toBe("7d, 1.5 GB\n");
    expect((await micro("retention", "kept", "--age=none", "--count", "10")).stdout).toBe("1.5 GB, 10 events\n");
    expect(JSON.parse((await micro("retention", "kept", "-o", "json")).stdout)).toEqual({
      age_ms: 0,
      bytes: 1_500_000_000,
      count: 10,
    });
    await micro("consume", "kept", "--group", "g", "--from", "earliest", "--limit", "1");
    expect(await micro("delete-group", "kept", "g")).toEqual(silent);
    expect(await micro("groups", "kept")).toEqual(silent);
    expect(await micro("delete", "kept")).toEqual(silent);
    expect(await micro("delete", "kept")).toEqual(silent);
    expect((await micro("topics")).stdout).not.toContain("kept");
  });

  it("give dead letters once more", async () => {
    await publishNumbers("dead", 1);
    await micro("consume", "dead", "--group", "g", "--from", "earliest", "--limit", "1");
    expect(await micro("redrive", "dead", "g")).toEqual({ ...silent, stderr: "0 events are given once more\n" });
    expect((await micro("redrive", "dead", "g", "-o", "json")).stdout).toBe('{\n\t"count": 0\n}\n');
    expect((await micro("redrive", "dead", "nobody")).code).toBe(127);
  });

  it("come back from a backup", async () => {
    await publishNumbers("saved", 5);
    await micro("consume", "saved", "--group", "g", "--from", "earliest", "--limit", "2");
    await using folder = await createTempFolder();
    const file = `${folder.path}/backup.tar`;
    expect((await server.micro(["backup", file])).code).toBe(0);
    const env = { MICRO_HOME: `${folder.path}/home` };
    expect((await server.micro(["restore", file], { env })).code).toBe(0);
    await using other = await startServer({ env });
    expect((await other.micro(["events", "read", "saved"])).stdout).toBe("1\n2\n3\n4\n5\n");
    const rest = await other.micro(["events", "consume", "saved", "--group", "g", "--limit", "3"]);
    expect(rest.stdout).toBe("3\n4\n5\n");
  });
});
