import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import type { CommandResult } from "#testing/run-command.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** `micro config …` against a real server. Each test has keys of its own. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server[Symbol.asyncDispose]());

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(["config", ...args]);
}

const silent = { code: 0, stdout: "", stderr: "" };
const notFound = { code: 1, stdout: "", stderr: "Not found\n" };

describe("micro config get and set", () => {
  it("say the same of what is missing, whether there is a document or not", async () => {
    const empty = await server.micro(["config", "get", "--all", "--namespace", "empty"]);
    expect(empty).toEqual(notFound);
    await micro("set", "present", "1");
    expect(await micro("get", "missing")).toEqual(notFound);
    const json = await micro("get", "missing", "-o", "json");
    expect(json).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 404, detail: "Not found" } });
  });

  it.each([
    ["text", "plain text", "plain text", '"plain text"'],
    ["quoted", '"plain"', "plain", '"plain"'],
    ["number", "1.50", "1.50", "1.50"],
    ["large", "12345678901234567890", "12345678901234567890", "12345678901234567890"],
    ["bool", "true", "true", "true"],
    ["list", '[1, "two"]', '[1,"two"]', '[1,"two"]'],
    ["object", '{"a": {"b": 1}}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
    ["zeros", "007", "007", '"007"'],
  ])("keep %s", async (key, value, shown, json) => {
    expect(await micro("set", `kept.${key}`, value)).toEqual(silent);
    expect(await micro("get", `kept.${key}`)).toEqual({ ...silent, stdout: `${shown}\n` });
    expect((await micro("get", `kept.${key}`, "-o", "json")).stdout).toBe(`${json}\n`);
  });

  it("keep JSON as a string where that is said", async () => {
    await micro("set", "pin", "1234", "--string");
    expect((await micro("get", "pin", "-o", "json")).stdout).toBe('"1234"\n');
    expect((await micro("get", "pin")).stdout).toBe("1234\n");
  });

  it("merge objects, and refuse a child of what is none", async () => {
    await micro("set", "merged", '{"a": 1, "b": {"c": 2}}');
    await micro("set", "merged", '{"b": {"d": 3}}');
    await micro("set", "merged.e", "4");
    expect((await micro("get", "merged")).stdout).toBe('{"a":1,"b":{"c":2,"d":3},"e":4}\n');
    const refused = await micro("set", "merged.a.x", "1");
    expect(refused).toMatchObject({ code: 127, stdout: "" });
    expect(refused.stderr).toContain('"merged.a"');
    expect((await micro("get", "merged.a")).stdout).toBe("1\n");
  });

  it("take the value from standard input and from a file", async () => {
    const piped = await server.micro(["config", "set", "piped", "-"], { stdin: "a value\n" });
    expect(piped).toEqual(silent);
    expect((await micro("get", "piped")).stdout).toBe("a value\n");
    await using folder = await createTempFolder();
    await writeFile(`${folder.path}/value.json`, '{\n  "a": 1\n}\n');
    expect(await micro("set", "filed", "--from-file", `${folder.path}/value.json`)).toEqual(silent);
    expect((await micro("get", "filed.a")).stdout).toBe("1\n");
  });

  it("write only at an expected revision", async () => {
    const made = JSON.parse((await micro("set", "revised", "1", "-o", "json")).stdout) as { readonly revision: number };
    expect((await micro("set", "revised", "2", "--expected-revision", String(made.revision - 1))).code).toBe(127);
    expect(await micro("set", "revised", "2", "--expected-revision", String(made.revision))).toEqual(silent);
  });

  it("belong to a namespace", async () => {
    await server.micro(["config", "set", "k", "of acme", "--namespace", "acme"]);
    expect(await micro("get", "k")).toEqual(notFound);
    expect((await server.micro(["--namespace", "acme", "config", "get", "k"])).stdout).toBe("of acme\n");
  });

  it.each([
    [["get"], "Missing argument; usage: micro config get KEY, or --all for everything"],
    [["set"], "Missing argument; usage: micro config set KEY VALUE"],
    [["set", "key"], "Missing argument; usage: micro config set KEY VALUE"],
    [["set", "key", "two", "words"], 'Too many arguments: "words" is not expected; usage: micro config set KEY VALUE'],
    [
      ["set", "k", "v", "--from-file", "x"],
      "A value is given twice, on the line and with --from-file; usage: micro config set KEY VALUE",
    ],
    [["rollback", "first"], '"first" is not a revision: see "micro config history"'],
    [["get", "k", "--string"], "Flag provided but not defined: -string"],
  ])("refuse %j with one line", async (args, stderr) => {
    expect(await micro(...args)).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });
});

describe("a secret", () => {
  it.each([
    ["first", ["--secret", "KEY", "VALUE"]],
    ["middle", ["KEY", "-s", "VALUE"]],
    ["last", ["KEY", "VALUE", "--secret"]],
  ])("is one wherever the flag stands: %s", async (name, form) => {
    const secret = `very-${name}-secret`;
    const key = `secrets.${name}`;
    const args = form.map((word) => (word === "KEY" ? key : word === "VALUE" ? secret : word));
    expect(await micro("set", ...args)).toEqual(silent);
    expect((await micro("get", key)).stdout).toBe("[secret]\n");
    expect((await micro("get", key, "--secret")).stdout).toBe(`${secret}\n`);
    expect((await micro("get", "--all")).stdout).not.toContain(secret);
    expect((await micro("history")).stdout).not.toContain(secret);
    for (const folder of ["store", "logs"]) {
      const entries = await readdir(`${server.home}/${folder}`, { recursive: true, withFileTypes: true });
      const files = entries.filter((each) => each.isFile());
      expect(files).not.toEqual([]);
      for (const { parentPath, name: file } of files)
        expect((await readFile(`${parentPath}/${file}`)).includes(secret)).toBe(false);
    }
  });

  it("is still read after the key was changed", async () => {
    await server.micro(["config", "set", "rotated", "--secret", "-"], { stdin: "hunter2" });
    const rotated = await micro("rotate-key");
    expect(rotated).toMatchObject({ code: 0, stdout: "" });
    expect(rotated.stderr).toMatch(/^\d+ secrets? (is|are) encrypted with a new key\n$/);
    expect((await micro("get", "rotated", "-s")).stdout).toBe("hunter2\n");
    expect(JSON.parse((await micro("rotate-key", "-o", "json")).stdout)).toHaveProperty("secrets", expect.any(Number));
  });

  it("comes back from a backup", async () => {
    await micro("set", "kept.safe", "--secret", "in the vault");
    await using folder = await createTempFolder();
    const file = `${folder.path}/backup.tar`;
    expect((await server.micro(["backup", file])).code).toBe(0);
    const env = { MICRO_HOME: `${folder.path}/home` };
    expect((await server.micro(["restore", file], { env })).code).toBe(0);
    await using other = await startServer({ env });
    expect((await other.micro(["config", "get", "kept.safe", "--secret"])).stdout).toBe("in the vault\n");
  });
});

describe("micro config delete, history and rollback", () => {
  it("undo a change", async () => {
    const namespace = "--namespace=undo";
    await micro("set", "a", "1", namespace);
    await micro("set", "b.c", "two", namespace);
    expect(await micro("del", "a", namespace)).toEqual(silent);
    expect(await micro("delete", "a", namespace)).toEqual(silent);
    expect((await micro("get", "--all", namespace)).stdout).toBe('{"b":{"c":"two"}}\n');
    const back = await micro("rollback", "2", namespace);
    expect(back).toMatchObject({ code: 0, stdout: "" });
    expect(back.stderr).toContain("the configuration is as it was at revision 2");
    expect((await micro("get", "--all", namespace)).stdout).toBe('{"a":1,"b":{"c":"two"}}\n');
    const [header = "", ...rows] = (await micro("history", namespace)).stdout.trimEnd().split("\n");
    expect(header).toMatch(/^REVISION +CHANGED +ACCOUNT +KEY +VALUE$/);
    expect(rows.map((row) => row.split(/ {2,}/).toSpliced(1, 1).join("|"))).toEqual([
      "4|admin|-|back to revision 2",
      "3|admin|a|deleted",
      "2|admin|b.c|two",
      "1|admin|a|1",
    ]);
    const json = JSON.parse((await micro("history", "b", "-n", "2", namespace, "-o", "json")).stdout) as object[];
    expect(json).toMatchObject([
      { revision: 4, key: "", value: null, rolled_back_to: 2 },
      { revision: 2, account: "admin", key: "b.c", value: "two" },
    ]);
    expect((await micro("rollback", "99", namespace)).code).toBe(127);
  });
});

describe("micro config watch", () => {
  it("prints the value now and after every change, and ends on Ctrl-C", async () => {
    await micro("set", "watched.text", "first");
    await using people = spawnMicro(["config", "watch", "watched.text"], server.env);
    await using programs = spawnMicro(["config", "watch", "watched", "-o", "json"], server.env);
    await people.lines(1);
    await programs.lines(1);
    await micro("set", "watched", '{"text": "second", "n": 1.50}');
    await people.lines(2);
    await programs.lines(2);
    await micro("del", "watched.text");
    expect(await people.lines(3)).toEqual(["first", "second", "null"]);
    const states = (await programs.lines(3)).map((line) => line.replace(/"revision":\d+,/, ""));
    expect(states).toEqual([
      '{"value":{"text":"first"}}',
      '{"value":{"n":1.50,"text":"second"}}',
      '{"value":{"n":1.50}}',
    ]);
    for (const running of [people, programs]) {
      expect(await running.end("SIGINT")).toBe(0);
      expect(running.stderr()).toBe("");
    }
  });

  it("ends after so many values", async () => {
    await micro("set", "once", "here");
    expect(await micro("watch", "once", "--limit", "1")).toEqual({ ...silent, stdout: "here\n" });
  });
});
