import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startGitHttpServer, type GitHttpServer } from "../fixtures/git-http-server.ts";
import { createRepository, type TestRepository } from "./git-repository.ts";

/** `micro run`, `update`, `status` and `kill` with services that lie in repositories. */
let server: TestServer;
let folder: TempFolder;
let http: GitHttpServer;
let repository: TestRepository;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
  http = startGitHttpServer({ folder: folder.path });
  repository = await createRepository(`${folder.path}/acme/services`);
  await repository.commit({ "shared/words.ts": words("Hello"), "greeter/index.ts": greeter });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const greeter = `import { service, z } from "micro-ts";
import { greeting } from "../shared/words.ts";

const greeter = service("greeter", { version: "1.0.0" });
greeter.endpoint("Greeter.Call", {
  request: z.object({ name: z.string() }),
  response: z.object({ msg: z.string() }),
  handle: ({ name }) => ({ msg: greeting + " " + name }),
});
await greeter.run();
`;

function words(greeting: string): string {
  return `export const greeting = ${JSON.stringify(greeting)};\n`;
}

async function call(): Promise<string> {
  return (await server.micro(["greeter", "call", "--name=Jane", "--output", "raw"])).stdout.trim();
}

describe("micro run SOURCE", () => {
  it("runs a folder of a repository, updates it and says which commit runs", async () => {
    const source = `http://${http.host}/acme/services/.git//greeter`;
    const first = (await repository.git("rev-parse", "HEAD")).slice(0, 7);
    expect(await server.micro(["run", source])).toEqual({
      code: 0,
      stdout: "",
      stderr: `greeter is running (main ${first})\n`,
    });
    expect(await call()).toBe('{"msg":"Hello Jane"}');
    const shown = (await server.micro(["status", "greeter"])).stdout;
    expect(shown).toContain(`${source}@main (${first})`);
    expect(await server.micro(["update", source])).toMatchObject({
      code: 0,
      stderr: `greeter is running (no new commit: main ${first})\n`,
    });

    const second = (await repository.commit({ "shared/words.ts": words("Good day") })).slice(0, 7);
    expect(await server.micro(["update", source])).toMatchObject({ stderr: `greeter is running (main ${second})\n` });
    expect(await call()).toBe('{"msg":"Good day Jane"}');
    // Its name is enough, from then on.
    expect(await server.micro(["update", "greeter"])).toMatchObject({
      stderr: `greeter is running (no new commit: main ${second})\n`,
    });

    expect(await server.micro(["update", `${source}@${first}`])).toMatchObject({
      stderr: `greeter is running (${first})\n`,
    });
    expect(await call()).toBe('{"msg":"Hello Jane"}');
    // What ran before comes back with its commit, and goes again.
    expect(await server.micro(["rollback", "greeter"])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"Good day Jane"}');
    expect((await server.micro(["status", "greeter"])).stdout).toContain(`${source}@main (${second})`);
    expect(await server.micro(["update", `${source}@${first}`])).toMatchObject({ code: 0 });
    const [json] = JSON.parse((await server.micro(["status", "greeter", "-o", "json"])).stdout) as {
      source: string;
      commit: string;
    }[];
    expect(json?.commit).toStartWith(first);
    expect(json?.source).toBe(`${source}@${json?.commit}`);
  });

  it("keeps what runs when an update names what is not there", async () => {
    const source = `http://${http.host}/acme/services/.git//greeter`;
    for (const [name, said] of [
      [`${source}@none`, "has no branch and no tag none"],
      [`http://${http.host}/acme/none.git`, "greeter not found"],
      [`http://${http.host}/acme/services/.git//shared`, "has no"],
    ] as const) {
      const { code, stderr } = await server.micro(["update", name, "--name", "greeter"]);
      expect({ name, code, stderr }).not.toMatchObject({ code: 0 });
      expect(stderr.trim().split("\n")).toHaveLength(1);
      if (said === "has no branch and no tag none") expect(stderr).toContain(said);
    }
    expect(await call()).toBe('{"msg":"Hello Jane"}');
    expect(await server.micro(["kill", source])).toMatchObject({ code: 0 });
  });

  it("takes bare names behind the base URL", async () => {
    await server.micro(["user", "config", "set", "git.baseurl", `http://${http.host}/acme/services/.git/`]);
    expect(await server.micro(["run", "greeter@main", "--name", "bare"])).toMatchObject({ code: 0 });
    expect(await server.micro(["kill", "bare"])).toMatchObject({ code: 0 });
    await server.micro(["user", "config", "delete", "git.baseurl"]);
  });

  it("says in one line why a repository cannot run", async () => {
    const base = `http://${http.host}/acme`;
    for (const [source, said] of [
      [`${base}/none.git`, `there is no repository ${base}/none.git`],
      [`${base}/services/.git@none`, "has no branch and no tag none"],
      [`${base}/services/.git//none`, "there is no folder none in"],
      [`${base}/services/.git//shared@main --command nothing`, "command nothing is neither in the source nor"],
      ["github.com/acme", "it names no repository; write host/owner/repo"],
      ["ext::sh", "does not exist"],
      ["nowhere-at-all", "does not exist; a repository is host/owner/repo"],
    ] as const) {
      const { code, stderr } = await server.micro(["run", ...source.split(" "), "--name", "wrong"]);
      expect({ source, stderr }).toEqual({ source, stderr: expect.stringContaining(said) });
      expect(code).toBeGreaterThan(0);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    await repository.commit({ "empty/notes.txt": "nothing to run" });
    const { stderr } = await server.micro(["run", `${base}/services/.git//empty`]);
    expect(stderr).toContain("no entry point in the source: expected index.ts");
    expect((await server.micro(["status", "empty"])).stdout).toBe("");
  });
});

describe("a server that is killed while it fetches", () => {
  it("leaves no git behind once it is back, and fetches again", async () => {
    let isAsked = false;
    let isMute = true;
    await using slow = startGitHttpServer({
      folder: folder.path,
      intercept: (path) => {
        if (!isMute || !path.endsWith("/git-upload-pack")) return undefined;
        isAsked = true;
        return new Promise(() => undefined);
      },
    });
    const source = `http://${slow.host}/acme/services/.git//greeter`;
    const running = server.micro(["run", source, "--name", "late"]);
    await waitUntil("the fetch is under way", () => isAsked);
    await server.kill("SIGKILL");
    expect((await running).code).not.toBe(0);
    await server.start();
    // What runs git says so in its arguments; elsewhere than on Linux it ends when its line does.
    const isLeft = (): boolean => Bun.spawnSync(["ps", "-eo", "args"]).stdout.toString().includes(slow.host);
    if (process.platform === "linux") await waitUntil("no git is left", () => !isLeft());
    isMute = false;
    expect(await server.micro(["run", source, "--name", "late"])).toMatchObject({ code: 0 });
    await server.micro(["kill", "late"]);
  });
});
