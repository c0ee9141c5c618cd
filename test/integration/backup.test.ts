import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { runCommand, type CommandResult } from "#testing/run-command.ts";
import { spawnMicro, type RunningCommand } from "#testing/spawn-command.ts";
import { microCommand, startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** `micro backup` of a real server, and `micro restore` into homes on which real servers start afterwards. */
let server: TestServer;
let folder: TempFolder;
let file: string;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  file = `${folder.path}/backup.tar`;
  await micro("store", "write", "greeting", "hello");
  await writeFile(`${folder.path}/photo`, "content of a blob");
  await micro("store", "blob", "write", "photo", "photo");
  await micro("call", "auth", "Auth.Generate", '{"id":"jane","type":"user","secret":"correct horse battery"}');
  await micro("new", "helloworld");
  expect((await micro("run", "helloworld")).code).toBe(0);
  expect(await micro("backup", file)).toMatchObject({ code: 0, stderr: "" });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(args, { cwd: folder.path });
}

/** `micro …args` on another home. */
function microAt(home: string, ...args: string[]): Promise<CommandResult> {
  return runCommand([...microCommand, ...args], { env: { ...server.env, MICRO_HOME: home }, cwd: folder.path });
}

/** What a home holds that a restore may change. */
async function stateOf(home: string): Promise<string> {
  const read = async (path: string): Promise<string> => (await readFile(`${home}/${path}`)).toHex();
  const names = (await readdir(home, { recursive: true })).toSorted();
  return JSON.stringify([names, await read("id_rsa"), await read("store/store.db")]);
}

describe("micro backup", () => {
  it("writes a file for its owner only, with what the server keeps, and says how much", async () => {
    const made = await micro("backup", file, "--force", "--output", "json");
    const { size, mode } = await stat(file);
    expect(mode & 0o777).toBe(0o600);
    const listed = await runCommand(["tar", "-tf", file]);
    const names = listed.stdout.trimEnd().split("\n");
    expect(JSON.parse(made.stdout)).toMatchObject({ file, bytes: size, files: names.length - 1 });
    expect(names[0]).toBe("manifest.json");
    for (const name of ["files/id_rsa", "files/id_rsa.pub", "store/store.db"]) expect(names).toContain(name);
    expect(names.some((name) => name.startsWith("files/runtime/sources/"))).toBe(true);
    expect(existsSync(`${server.home}/backup`)).toBe(false);
    expect((await micro("backup", file)).stderr).toBe(
      `${file} exists; write another file, or use --force to replace it\n`,
    );
    const plain = await micro("backup", "plain.tar");
    expect(plain.stdout).toMatch(/^plain\.tar: \d+ files, [\d.]+ [kM]B\n$/);
  });

  it("is for administrators of the installation", async () => {
    const home = `${folder.path}/jane`;
    const env = { ...server.env, MICRO_HOME: home };
    const jane = (...args: string[]): Promise<CommandResult> => server.micro(args, { env });
    await jane("env", "add", "test", server.addresses.proxy);
    await jane("env", "set", "test");
    expect((await jane("login", "--username", "jane", "--password", "correct horse battery")).code).toBe(0);
    const refused = await jane("backup", `${folder.path}/jane.tar`);
    expect(refused).toMatchObject({ code: 127, stdout: "" });
    expect(refused.stderr).toContain("jane is not an administrator of namespace micro");
    expect((await readdir(folder.path)).filter((name) => name.startsWith("jane.tar"))).toEqual([]);
  });

  it("holds everything that was acknowledged before, while writing goes on", async () => {
    const token = await server.token();
    let count = 0;
    const done = new AbortController();
    const write = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const record = { key: String(count), value: "" };
        const response = await fetch(`http://${server.addresses.proxy}/store.Store/Write`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ record, options: { table: "busy" } }),
        });
        expect(response.status).toBe(200);
        count += 1;
      }
    };
    const writing = write();
    await waitUntil("some records", () => count > 50);
    const acknowledged = count;
    expect((await micro("backup", "busy.tar")).code).toBe(0);
    done.abort();
    await writing;
    const home = `${folder.path}/busy`;
    expect((await microAt(home, "restore", "busy.tar")).code).toBe(0);
    await using restored = await startServer({ env: { MICRO_HOME: home } });
    const keys = (await restored.micro(["store", "list", "--table", "busy"])).stdout.trimEnd().split("\n").map(Number);
    const sorted = keys.toSorted((a, b) => a - b);
    expect(sorted).toEqual(Array.from({ length: keys.length }, (_, index) => index));
    expect(keys.length).toBeGreaterThanOrEqual(acknowledged);
  }, 30_000);

  it("leaves no file behind when it is interrupted, or the server goes away", async () => {
    await using other = await startServer();
    const big = crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(400);
    for (const key of ["a", "b", "c", "d"]) await other.micro(["store", "blob", "write", key, "-"], { stdin: big });
    const filesOf = async (name: string): Promise<string[]> =>
      (await readdir(folder.path)).filter((each) => each.startsWith(name));
    const interruptions: readonly (readonly [string, (running: RunningCommand) => Promise<unknown>])[] = [
      ["interrupted.tar", (running) => running.end("SIGINT")],
      ["cut.tar", () => other.kill("SIGKILL")],
    ];
    for (const [name, interrupt] of interruptions) {
      await using running = spawnMicro(["backup", `${folder.path}/${name}`], other.env);
      await waitUntil("a beginning", async () => (await filesOf(name)).length > 0);
      await interrupt(running);
      const code = await running.exited;
      // Where it was quick enough all of it had come.
      expect(await filesOf(name)).toEqual(code === 0 ? [name] : []);
    }
    // The copy that the server was sending is gone at its next start.
    await other.start();
    expect(existsSync(`${other.home}/backup`)).toBe(false);
  }, 30_000);
});

describe("micro restore", () => {
  it("brings a server back on a new home: records, blobs, accounts, keys and services", async () => {
    const home = `${folder.path}/new`;
    const restored = await microAt(home, "restore", file);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    expect(restored.stdout).toMatch(/\/new: \d+ files, [\d.]+ [kM]B, as of 20/);
    for (const path of ["id_rsa", "store/store.db"]) expect((await stat(`${home}/${path}`)).mode & 0o777).toBe(0o600);
    await using other = await startServer({ env: { MICRO_HOME: home } });
    expect((await other.micro(["user"])).stdout).toBe("admin\n");
    expect((await other.micro(["store", "read", "greeting"])).stdout).toBe("hello\n");
    expect((await other.micro(["store", "blob", "read", "photo"])).stdout).toBe("content of a blob");
    const call = await waitUntil("the service", async () => {
      const answer = await other.micro(["helloworld", "call", "--name=Jane", "-o", "raw"]);
      return answer.code === 0 && answer.stdout;
    });
    expect(call).toBe('{"msg":"Hello Jane"}\n');
    const login = { id: "jane", secret: "correct horse battery", options: { namespace: "micro" } };
    expect((await other.micro(["call", "auth", "Auth.Token", JSON.stringify(login)])).code).toBe(0);
    // A token of the first server is one of the second: they have the same key.
    const token = await server.token();
    const inspected = await other.micro(["call", "auth", "Auth.Inspect", JSON.stringify({ token })]);
    expect(inspected.stdout).toContain('"id": "admin"');
  }, 60_000);

  it("replaces a home only when forced, and sets its state aside", async () => {
    await using other = await startServer();
    await other.micro(["store", "write", "greeting", "something else"]);
    expect(await other.micro(["restore", file, "--force"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `a micro server is running on ${other.home}: stop it, then restore\n`,
    });
    await other.kill("SIGTERM");
    const before = await stateOf(other.home);
    const refused = await other.micro(["restore", file]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("use another MICRO_HOME, or --force, which sets the present state aside");
    expect(await stateOf(other.home)).toBe(before);
    const forced = await other.micro(["restore", file, "--force"]);
    expect(forced.stderr).toMatch(/^what was there is in .*\/before-restore-\d{8}-\d{6}; remove it when/);
    await other.start();
    expect((await other.micro(["user"])).stdout).toBe("admin\n");
    expect((await other.micro(["store", "read", "greeting"])).stdout).toBe("hello\n");
    await other.kill("SIGTERM");
    const aside = (await readdir(other.home)).find((name) => name.startsWith("before-restore-")) ?? "";
    expect(await readdir(`${other.home}/${aside}`)).toContain("store");
    // The way back: what was set aside is a home of its own.
    await using back = await startServer({ env: { MICRO_HOME: `${other.home}/${aside}` } });
    expect((await back.micro(["store", "read", "greeting"])).stdout).toBe("something else\n");
  }, 60_000);

  it("changes nothing for a file that is cut off, damaged or no backup", async () => {
    const home = `${folder.path}/careful`;
    expect((await microAt(home, "restore", file)).code).toBe(0);
    const before = await stateOf(home);
    const bytes = await readFile(file);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 5_000] = (flipped[bytes.length - 5_000] ?? 0) ^ 1;
    const damaged: readonly (readonly [string, Uint8Array, string])[] = [
      ["cut.tar", bytes.subarray(0, bytes.length - 4_096), "cut off"],
      ["flipped.tar", flipped, "damaged"],
      ["text.tar", Buffer.from("no archive at all".repeat(100)), "is not a tar archive"],
      ["empty.tar", Buffer.alloc(0), "its end is missing"],
    ];
    for (const [name, content, message] of damaged) {
      await writeFile(`${folder.path}/${name}`, content);
      for (const target of [home, `${folder.path}/never`]) {
        const refused = await microAt(target, "restore", name, "--force");
        expect(refused).toMatchObject({ code: 1, stdout: "" });
        expect(refused.stderr).toStartWith(`${name}: `);
        expect(refused.stderr).toContain(message);
        expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
      }
      expect(await stateOf(home)).toBe(before);
    }
    expect(existsSync(`${folder.path}/never`)).toBe(false);
    expect((await microAt(home, "restore", "nowhere.tar")).stderr).toBe("nowhere.tar: there is no such file\n");
  }, 30_000);

  it("leaves the old state or the new one, wherever it is killed", async () => {
    const home = `${folder.path}/killed`;
    await using other = await startServer({ env: { MICRO_HOME: home } });
    await other.micro(["store", "write", "greeting", "old"]);
    const seen = new Set<string>();
    const moments: readonly (readonly [string, string])[] = [
      ["unpacking", "restore-work/new"],
      ["a file unpacked", "restore-work/new/store/store.db"],
      ["planned", "restore-work/plan.json"],
      ["swapped", "before-restore"],
    ];
    for (const [, sign] of moments) {
      await other.kill("SIGTERM");
      const asides = (await readdir(home)).length;
      await using running = spawnMicro(["restore", file, "--force"], { ...server.env, MICRO_HOME: home });
      let isOver = false;
      void running.exited.then(() => (isOver = true));
      await waitUntil(sign, async () => {
        const hasSign =
          sign === "before-restore" ? (await readdir(home)).length > asides + 1 : existsSync(`${home}/${sign}`);
        return isOver || hasSign;
      });
      await running[Symbol.asyncDispose]();
      await other.start();
      const { stdout } = await other.micro(["store", "read", "greeting"]);
      expect(["old\n", "hello\n"]).toContain(stdout);
      expect((await other.micro(["user"])).stdout).toBe("admin\n");
      // A whole state: keys, records and blobs belong together.
      if (stdout === "hello\n") {
        expect((await other.micro(["store", "blob", "read", "photo"])).stdout).toBe("content of a blob");
      }
      seen.add(stdout);
      await other.micro(["store", "write", "greeting", "old"]);
      expect(existsSync(`${home}/restore-work`)).toBe(false);
    }
    expect(seen.size).toBeGreaterThan(0);
  }, 60_000);

  it("refuses a folder that is not ours to use", async () => {
    const home = `${folder.path}/a-file`;
    await writeFile(home, "x");
    const refused = await microAt(home, "restore", file);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
    await mkdir(`${folder.path}/settings`);
    await writeFile(`${folder.path}/settings/config.json`, '{"env":"local"}');
    // Settings of the command line are no state of a server.
    expect((await microAt(`${folder.path}/settings`, "restore", file)).code).toBe(0);
    expect(await readFile(`${folder.path}/settings/config.json`, "utf8")).toBe('{"env":"local"}');
  });
});
