import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** `micro store …` against a real server. */
let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(args, { cwd: folder.path });
}

async function writeRecords(table: string, records: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(records)) await micro("store", "write", key, value, "-t", table);
}

const silent = { code: 0, stdout: "", stderr: "" };

describe("micro store write, read and delete", () => {
  it("keep a value of several words, and forget it", async () => {
    expect(await micro("store", "write", "greeting", "hello", "world")).toEqual(silent);
    expect(await micro("store", "read", "greeting")).toEqual({ ...silent, stdout: "hello world\n" });
    expect(await micro("store", "delete", "greeting", "-v")).toEqual({ ...silent, stderr: "greeting is removed\n" });
    expect(await micro("store", "delete", "greeting", "-v")).toMatchObject({ stderr: "greeting was not there\n" });
    expect(await micro("store", "read", "greeting")).toEqual({ code: 1, stdout: "", stderr: "Not found\n" });
  });

  it("take flags anywhere, and show metadata and expiry", async () => {
    expect(await micro("store", "write", "k", "--expiry=10m", "v", "--metadata", "a=b=c", "--table", "facts")).toEqual(
      silent,
    );
    const table = (await micro("store", "read", "k", "-v", "-t", "facts")).stdout;
    expect(table).toBe("KEY  VALUE  EXPIRY\nk    v      9 minutes from now\n");
    const [record] = JSON.parse((await micro("store", "read", "k", "-t", "facts", "-o", "json")).stdout) as object[];
    expect(record).toMatchObject({ key: "k", value: "dg==", metadata: { a: "b=c" } });
    expect(record).toHaveProperty("expiry", expect.any(Number));
  });

  it("take bytes from standard input, and show them as hexadecimal", async () => {
    const write = await server.micro(["store", "write", "bytes", "-"], { stdin: "\u0000\u0001" });
    expect(write).toEqual(silent);
    expect((await micro("store", "read", "bytes")).stdout).toBe("0x0001\n");
    expect((await micro("store", "read", "bytes", "--raw")).stdout).toBe("\u0000\u0001");
    expect((await micro("store", "read", "bytes", "-o", "json")).stdout).toContain('"value": "AAE="');
  });

  it("write only at an expected revision", async () => {
    const first = await micro("store", "write", "once", "1", "--expected-revision", "0", "-o", "json");
    const { revision } = JSON.parse(first.stdout) as { revision: number };
    const again = await micro("store", "write", "once", "2", "--expected-revision=0");
    expect(again).toMatchObject({ code: 127, stdout: "" });
    expect(again.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(await micro("store", "write", "once", "2", "--expected-revision", String(revision))).toEqual(silent);
    expect((await micro("store", "delete", "once", `--expected-revision=${revision}`)).code).toBe(127);
  });

  it.each([
    [["read"], "Missing argument; usage: micro store read KEY"],
    [["write", "k"], "Missing argument; usage: micro store write KEY VALUE…"],
    [
      ["write", "k", "v", "--expiry", "0s"],
      'Invalid value "0s" for flag -expiry: leave it out for a record that stays',
    ],
    [["write", "k", "v", "--metadata", "nope"], 'Invalid value "nope" for flag -metadata: write KEY=VALUE'],
    [["write", "k", "--from-file", "/nowhere"], "Cannot read /nowhere: there is no such file or folder"],
    [["list", "--order", "up"], 'Invalid value "up" for flag -order: it is asc or desc'],
    [["delete", "k", "--expiry", "1m"], "Flag provided but not defined: -expiry"],
    [["restore"], "Missing flag; usage: micro store restore --source FILE"],
    [["nope"], "Unrecognized subcommand for micro store: nope. Please refer to 'micro store --help'"],
  ])("refuse %j with one line", async (args, stderr) => {
    expect(await micro("store", ...args)).toEqual({ code: 1, stdout: "", stderr: `${stderr}\n` });
  });
});

describe("micro store list and read of many", () => {
  beforeAll(() => writeRecords("many", { "a/1": "one", "a/2": "two", "b/1": "three", "b/2": "four\nlines" }));

  it.each([
    [[], "a/1 a/2 b/1 b/2"],
    [["--prefix", "a/"], "a/1 a/2"],
    [["--suffix=1"], "a/1 b/1"],
    [["--order", "desc", "--limit", "2"], "b/2 b/1"],
    [["--offset", "1", "-l", "2"], "a/2 b/1"],
    [["--prefix", "none"], ""],
  ])("list with %j", async (args, keys) => {
    const wanted = keys.split(" ").filter((key) => key !== "");
    expect((await micro("store", "list", "-t", "many", ...args)).stdout).toBe(wanted.map((key) => `${key}\n`).join(""));
    expect(JSON.parse((await micro("store", "list", "-t", "many", ...args, "-o", "json")).stdout)).toEqual(wanted);
  });

  it("read by beginning and end, with offset and limit apart", async () => {
    expect((await micro("store", "read", "--prefix", "a/", "-t", "many")).stdout).toBe("one\ntwo\n");
    expect((await micro("store", "read", "-s", "2", "-t", "many", "-v")).stdout).toBe(
      "KEY  VALUE        EXPIRY\na/2  two          None\nb/2  four\\nlines  None\n",
    );
    expect((await micro("store", "read", "--prefix", "--offset", "1", "--limit=2", "-t", "many")).stdout).toBe(
      "two\nthree\n",
    );
    expect(await micro("store", "read", "--prefix", "nothing", "-t", "many")).toEqual(silent);
  });

  it("name databases and tables", async () => {
    expect((await micro("store", "databases")).stdout).toBe("micro\n");
    expect((await micro("store", "tables")).stdout.split("\n")).toContain("many");
    expect(JSON.parse((await micro("store", "tables", "-d", "micro", "-o", "json")).stdout)).toContain("many");
    await micro("--namespace", "acme", "store", "write", "k", "v");
    expect((await micro("store", "databases")).stdout).toBe("acme\nmicro\n");
    expect((await micro("store", "read", "k", "-d", "acme")).stdout).toBe("v\n");
  });

  it("need a login", async () => {
    const env = { ...baseEnvironment(), MICRO_HOME: `${folder.path}/nobody` };
    const { proxy } = server.addresses;
    await server.micro(["env", "add", "test", proxy], { env });
    const refused = await server.micro(["store", "read", "k", "-e", "test"], { env });
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain('log in with "micro login"');
  });
});

describe("micro store snapshot and restore", () => {
  beforeAll(async () => {
    await writeRecords("kept", { one: "1", "line\u2028separator": "2", bytes: "3" });
    await micro("store", "write", "short", "lived", "-t", "kept", "--expiry", "1h", "--metadata", "k=v");
  });

  it("bring records back, twice as once", async () => {
    const file = `${folder.path}/kept.jsonl`;
    const made = await micro("store", "snapshot", "--table", "kept", "--destination", file);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toStartWith(`${file}: 4 records, `);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    for (const key of ["one", "short"]) await micro("store", "delete", key, "-t", "kept");
    await writeRecords("kept", { bytes: "changed", other: "stays" });
    for (const _ of [1, 2]) {
      expect((await micro("store", "restore", "--source", file)).stdout).toBe(`4 records restored from ${file}\n`);
      expect((await micro("store", "read", "--prefix", "-t", "kept")).stdout).toBe("3\n2\n1\nstays\nlived\n");
    }
    expect((await micro("store", "read", "short", "-v", "-t", "kept")).stdout).toContain("59 minutes from now");
    expect((await micro("store", "read", "short", "-o", "json", "-t", "kept")).stdout).toContain('"k": "v"');
  });

  it("take every database, and leave what is the server's own", async () => {
    await micro("--namespace", "acme", "store", "write", "k", "v");
    const made = await micro("store", "snapshot", "-o", "json");
    const { file, records } = JSON.parse(made.stdout) as { file: string; records: number };
    expect(file).toMatch(/^store-snapshot-\d{8}-\d{6}\.jsonl$/);
    const lines = (await readFile(`${folder.path}/${file}`, "utf8")).trimEnd().split("\n");
    expect(lines).toHaveLength(records + 2);
    const tables = new Set(lines.slice(1, -1).map((line) => (JSON.parse(line) as { table: string }).table));
    expect(tables).not.toContain("auth");
    expect(lines.some((line) => line.includes('"database":"acme"'))).toBe(true);
    const acme = await micro("store", "snapshot", "--namespace", "acme", "--destination", "acme.jsonl");
    expect(acme.stdout).toStartWith("acme.jsonl: 1 records, ");
    expect((await micro("store", "snapshot", "--destination", "acme.jsonl")).stderr).toBe(
      "acme.jsonl exists; write another file, or use --force to replace it\n",
    );
  });

  it.each([
    ["a line that is changed", (text: string) => text.replace('"one"', '"two"'), "checksum does not hold"],
    [
      "a line that is no JSON",
      (text: string) => text.replace('{"database"', '{"data'),
      "line 2 is damaged: it is not JSON",
    ],
    ["an end that is missing", (text: string) => text.slice(0, text.lastIndexOf("{")), "its end is missing"],
    ["something behind its end", (text: string) => `${text}{}\n`, "is behind the end of the snapshot"],
    [
      "another head",
      (text: string) => text.replace("micro-store-snapshot", "x"),
      "line 1: this is no snapshot of a store",
    ],
    ["a later format", (text: string) => text.replace('"format_version":1', '"format_version":2'), "use a newer one"],
    ["nothing in it", () => "", "is cut off after line 0"],
  ])("refuse a snapshot with %s before anything is written", async (_, damage, message) => {
    const file = `${folder.path}/damaged.jsonl`;
    await micro("store", "snapshot", "--table", "kept", "--destination", file, "--force");
    await writeFile(file, damage(await readFile(file, "utf8")));
    await micro("store", "delete", "one", "-t", "kept");
    const refused = await micro("store", "restore", "--source", file);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(message);
    expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect((await micro("store", "read", "one", "-t", "kept")).code).toBe(1);
    await writeRecords("kept", { one: "1" });
  });

  it("read records whose values do not fit one message together", async () => {
    const big = "x".repeat(9 * 1024 * 1024);
    for (const key of ["1", "2", "3", "4"]) {
      await server.micro(["store", "write", key, "-", "-t", "big"], { stdin: big });
    }
    const lines = (await micro("store", "read", "--prefix", "-t", "big")).stdout.split("\n");
    expect(lines.map((line) => line.length)).toEqual([big.length, big.length, big.length, big.length, 0]);
  });
});

describe("micro store blob", () => {
  it("moves a file there and back, and says what it is", async () => {
    const content = crypto.getRandomValues(new Uint8Array(60_000)).toHex().repeat(10);
    await writeFile(`${folder.path}/a.json`, content);
    expect(await micro("store", "blob", "write", "files/a", "a.json", "--public")).toEqual(silent);
    expect(await micro("store", "blob", "read", "files/a", "b.json")).toEqual(silent);
    expect(await readFile(`${folder.path}/b.json`, "utf8")).toBe(content);
    expect((await readdir(folder.path)).filter((name) => name.endsWith(".new"))).toEqual([]);
    const info = JSON.parse((await micro("store", "blob", "stat", "files/a", "-o", "json")).stdout) as object;
    const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    expect(info).toMatchObject({ key: "files/a", size: content.length, public: true, sha256 });
    expect(info).toHaveProperty("content_type", expect.stringMatching(/^application\/json/));
    const text = (await micro("store", "blob", "stat", "files/a")).stdout;
    expect(text).toContain(`sha256:       ${sha256}\n`);
  });

  it("reads standard input and writes standard output", async () => {
    const written = await server.micro(["store", "blob", "write", "note", "-", "--content-type=text/plain"], {
      stdin: "a note\n",
    });
    expect(written).toEqual(silent);
    expect(await micro("store", "blob", "read", "note")).toEqual({ ...silent, stdout: "a note\n" });
    const piped = await runCommand(["sh", "-c", `printf x | "$@"`, "sh", ...blobCommand("write", "piped", "-")], {
      env: { ...server.env },
    });
    expect(piped).toEqual(silent);
    expect((await micro("store", "blob", "read", "piped", "-")).stdout).toBe("x");
  });

  it("lists by prefix, and removes", async () => {
    expect((await micro("store", "blob", "list", "--prefix", "files/")).stdout).toBe("files/a\n");
    expect((await micro("store", "blob", "list", "-v")).stdout).toMatch(
      /^KEY +SIZE +TYPE +PUBLIC +MODIFIED\nfiles\/a /,
    );
    expect(JSON.parse((await micro("store", "blob", "list", "-l", "1", "-o", "json")).stdout)).toHaveLength(1);
    expect(await micro("store", "blob", "delete", "files/a")).toEqual(silent);
    expect(await micro("store", "blob", "delete", "files/a")).toEqual(silent);
    for (const args of [["stat"], ["read"], ["read", "-"], ["read", "never.bin"]]) {
      const [verb = "", ...target] = args;
      const missing = await micro("store", "blob", verb, "files/a", ...target);
      expect(missing).toEqual({ code: 1, stdout: "", stderr: "Not found\n" });
    }
    expect(await Bun.file(`${folder.path}/never.bin`).exists()).toBe(false);
  });

  it("says which file cannot be read or written", async () => {
    expect((await micro("store", "blob", "write", "x", "nowhere")).stderr).toBe(
      "Cannot read nowhere: there is no such file\n",
    );
    expect((await micro("store", "blob", "write", "x", ".")).stderr).toBe(". is a folder: name a file\n");
    expect((await micro("store", "blob", "read", "note", "no/such/folder")).stderr).toContain(
      "Cannot write no/such/folder: there is no such file or folder",
    );
  });
});

function blobCommand(...args: string[]): string[] {
  return [process.execPath, new URL("../../src/cli/main.ts", import.meta.url).pathname, "store", "blob", ...args];
}
