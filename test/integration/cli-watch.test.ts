import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { mkdir, rm, utimes } from "node:fs/promises";
import { runCommand } from "#testing/run-command.ts";
import { runInTerminal } from "#testing/run-in-terminal.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A service that answers with a word that it has from another file. */
function program(name: string): string {
  return `import { service, z } from "micro-ts";
import { word } from "./src/word.ts";
const one = service("${name}");
one.endpoint("One.Ask", { request: z.object({}), response: z.object({ word: z.string() }), handle: () => ({ word }) });
console.log("the word is " + word);
await one.run();
`;
}

async function writeService(name: string, word: string): Promise<string> {
  const path = `${folder.path}/${name}`;
  await Bun.write(`${path}/index.ts`, program(name));
  await Bun.write(`${path}/src/word.ts`, `export const word = "${word}";`);
  return path;
}

async function ask(name: string): Promise<string> {
  return (await server.micro([name, "ask", "--output", "raw"])).stdout.trim();
}

async function untilAnswers(name: string, word: string): Promise<void> {
  await waitUntil(`${name} answers ${word}`, async () => (await ask(name)) === `{"word":"${word}"}`);
}

describe("micro run --watch", () => {
  it("runs a folder, shows its log, and runs it anew when it changes, until Ctrl-C", async () => {
    const path = await writeService("one", "first");
    await using watching = spawnMicro(["run", "--watch", path], server.env);
    await waitUntil("its log is shown", () => watching.stdout().includes("the word is first"));
    await untilAnswers("one", "first");
    await waitUntil("it says so", () => watching.stderr().includes("one is running"));
    await Bun.write(`${path}/src/word.ts`, 'export const word = "second";');
    await untilAnswers("one", "second");
    await waitUntil("its log goes on", () => watching.stdout().includes("the word is second"));
    expect(watching.stderr()).toContain("src/word.ts changed\n");
    expect(await watching.end("SIGINT")).toBe(0);
    expect(watching.stderr()).toEndWith('watching has ended, one goes on (running); "micro kill one" ends it\n');
    expect(await ask("one")).toBe('{"word":"second"}');
  });

  it("shows what is wrong and goes on when that is mended, from the first start on", async () => {
    const path = await writeService("two", "first");
    await Bun.write(`${path}/src/word.ts`, "export const word = ;");
    await using watching = spawnMicro(["run", "-w", path], server.env);
    await waitUntil("the error is shown", () => watching.stderr().includes("two cannot run"));
    await Bun.write(`${path}/src/word.ts`, 'export const word = "mended";');
    await untilAnswers("two", "mended");
    await Bun.write(`${path}/src/word.ts`, "export const word = await Promise.reject(new Error('half done'));");
    await waitUntil("the error is shown", () => /the version before stays.*half done/.test(watching.stderr()));
    expect(await ask("two")).toBe('{"word":"mended"}');
    await Bun.write(`${path}/src/word.ts`, 'export const word = "again";');
    await untilAnswers("two", "again");
    expect(await watching.end("SIGINT")).toBe(0);
  });

  it("does not look at what git ignores, at what is only touched, nor into node_modules; new folders count", async () => {
    const path = await writeService("three", "first");
    await runCommand(["git", "init", "-q", path]);
    await Bun.write(`${path}/.gitignore`, "dist/\n*.log\n");
    for (const name of ["dist", "node_modules/x"]) await mkdir(`${path}/${name}`, { recursive: true });
    await using watching = spawnMicro(["run", "-w", path], server.env);
    await waitUntil("it runs", () => watching.stderr().includes("three is running"));
    await Bun.write(`${path}/dist/out.js`, "1");
    await Bun.write(`${path}/node_modules/x/index.js`, "1");
    await Bun.write(`${path}/some.log`, "1");
    await utimes(`${path}/index.ts`, new Date(), new Date());
    await mkdir(`${path}/data/deep`, { recursive: true });
    await waitUntil("a new file in a new folder is seen", async () => {
      await Bun.write(`${path}/data/deep/facts.json`, "{}");
      return watching.stderr().includes("data/deep/facts.json changed");
    });
    await rm(`${path}/data`, { recursive: true });
    await waitUntil("its end is seen", () => watching.stderr().split("data/deep/facts.json changed").length === 3);
    expect(watching.stderr()).not.toMatch(/dist|node_modules|\.log|index\.ts changed/);
    expect(await watching.end("SIGINT")).toBe(0);
  });

  it("watches what it shares with others in its repository, too", async () => {
    const path = `${folder.path}/together`;
    await runCommand(["git", "init", "-q", path]);
    const shared = program("shared").replace("./src/word.ts", "../../words/word.ts");
    await Bun.write(`${path}/services/shared/index.ts`, shared);
    await Bun.write(`${path}/words/word.ts`, 'export const word = "first";');
    await using watching = spawnMicro(["run", "-w", `${path}/services/shared`], server.env);
    await untilAnswers("shared", "first");
    await waitUntil("it says so", () => watching.stderr().includes("shared is running"));
    await waitUntil("a change is seen", async () => {
      await Bun.write(`${path}/words/word.ts`, 'export const word = "second";');
      return watching.stderr().includes("words/word.ts changed");
    });
    await untilAnswers("shared", "second");
    expect(await watching.end("SIGINT")).toBe(0);
  });

  it("refuses what cannot be watched, with one line", async () => {
    for (const args of [
      ["run", "-w", "github.com/a/b"],
      ["run", "-w", "-d", folder.path],
    ]) {
      const refused = await server.micro(args);
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
    }
    const away = await server.micro(["run", "-w", `${folder.path}/one`, "-e", "local"], {
      env: { MICRO_HOME: `${folder.path}/none` },
    });
    expect(away).toMatchObject({ code: 4, stderr: expect.stringContaining("is it running?") as unknown as string });
  });
});

describe("micro dev", () => {
  it("runs every service of a folder with their logs mixed, anew what changed, and ends them all on Ctrl-C", async () => {
    const path = `${folder.path}/shop`;
    await Bun.write(`${path}/services/cart/index.ts`, program("cart"));
    await Bun.write(`${path}/services/cart/src/word.ts`, 'export const word = "apples";');
    await Bun.write(`${path}/billing/index.ts`, program("billing"));
    await Bun.write(`${path}/billing/src/word.ts`, 'export const word = "money";');
    await Bun.write(`${path}/docs/readme.md`, "no service");
    await using dev = spawnMicro(["dev", path], server.env);
    await waitUntil("both logs are shown", () =>
      ["billing | the word is money", "cart    | the word is apples"].every((line) =>
        dev.stdout().includes(`${line}\n`),
      ),
    );
    await waitUntil("both run", () => dev.stderr().split("is running").length === 3);
    await Bun.write(`${path}/services/cart/src/word.ts`, 'export const word = "pears";');
    await untilAnswers("cart", "pears");
    expect(dev.stderr()).toContain("cart    | src/word.ts changed\n");
    await Bun.write(`${path}/billing/src/word.ts`, "export const word = (;");
    await waitUntil("the error is shown", () => /billing \| .*the version before stays/.test(dev.stderr()));
    expect(await ask("billing")).toBe('{"word":"money"}');
    expect(await dev.end("SIGINT")).toBe(0);
    expect(dev.stderr()).toMatch(/ended (billing, cart|cart, billing)\n$/);
    expect((await server.micro(["status", "cart"])).stdout).toBe("");
    expect(dev.stdout()).not.toContain("\u001b");
  });

  it("has colors in a terminal, and leaves what ran before", async () => {
    const path = `${folder.path}/mixed`;
    for (const name of ["before", "fresh"]) {
      await Bun.write(`${path}/${name}/index.ts`, program(name));
      await Bun.write(`${path}/${name}/src/word.ts`, `export const word = "${name}";`);
    }
    expect(await server.micro(["run", `${path}/before`])).toMatchObject({ code: 0 });
    await using dev = runInTerminal(["dev"], { env: server.env, cwd: path });
    await dev.shows("\u001b[36mbefore |\u001b[0m the word is before");
    await dev.shows("\u001b[35mfresh  |\u001b[0m the word is fresh");
    dev.type("\u0003");
    expect(await dev.exited).toBe(0);
    expect(dev.screen()).toContain("ended fresh");
    expect(dev.screen()).toContain("before ran before, and goes on");
    expect(await ask("before")).toBe('{"word":"before"}');
    expect((await server.micro(["status", "fresh"])).stdout).toBe("");
  });

  it("refuses a folder without services, and two of the same name", async () => {
    await mkdir(`${folder.path}/nothing`, { recursive: true });
    expect(await server.micro(["dev", `${folder.path}/nothing`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has no service in it") as unknown as string,
    });
    for (const name of ["a/same", "b/same"]) await Bun.write(`${folder.path}/twins/${name}/index.ts`, "");
    expect(await server.micro(["dev", `${folder.path}/twins`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("are both called same") as unknown as string,
    });
  });
});
