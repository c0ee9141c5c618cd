import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmod, readdir, writeFile } from "node:fs/promises";
import type { GitSource } from "#base/git-source.ts";
import { limits } from "#base/limits.ts";
import { runCommand } from "#testing/run-command.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startGitHttpServer, type GitHttpServer } from "../fixtures/git-http-server.ts";
import { startGitDaemon, type GitDaemon } from "./git-daemon.ts";
import { createRepository, type TestRepository } from "./git-repository.ts";
import { createGitWorld } from "./git-world.ts";

/** Sources in real repositories, from `git daemon`, from smart HTTP, and from files. */
let folder: TempFolder;
let daemon: GitDaemon;
let http: GitHttpServer;
let repository: TestRepository;
let first: string;
let last: string;

beforeAll(async () => {
  folder = await createTempFolder();
  repository = await createRepository(`${folder.path}/served/acme/services`);
  first = await repository.commit({ "api/index.ts": "first", "shared/text.ts": "shared" });
  await repository.git("tag", "--annotate", "v1.0.0", "--message", "the first");
  await repository.git("switch", "--quiet", "--create", "feature/new/api");
  await repository.commit({ "api/index.ts": "feature" });
  await repository.git("switch", "--quiet", "main");
  last = await repository.commit({ "api/index.ts": "last", "api/run.sh": "#!/bin/sh" });
  daemon = await startGitDaemon(`${folder.path}/served`);
  http = startGitHttpServer({ folder: `${folder.path}/served` });
});

afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function urls(): readonly string[] {
  return [
    `git://${daemon.host}/acme/services`,
    `http://${http.host}/acme/services/.git`,
    `file://${folder.path}/served/acme/services`,
  ];
}

describe("GitSources.resolve()", () => {
  it("takes a branch, a tag, a short and a whole commit, and the default branch, from every kind of server", async () => {
    for (const url of urls()) {
      await using temp = await createTempFolder();
      await using world = createGitWorld(temp.path);
      for (const [ref, commit, text, found] of [
        ["", last, "last", "main"],
        ["@main", last, "last", "main"],
        ["@feature/new/api", undefined, "feature", "feature/new/api"],
        ["@v1.0.0", first, "first", "v1.0.0"],
        [`@${first}`, first, "first", first],
        [`@${first.slice(0, 8)}`, first, "first", first],
        ["@refs/heads/main", last, "last", "main"],
      ] as const) {
        const content = await world.resolve(`${url}//api${ref}`);
        expect({ url, ref, content }).toMatchObject({ url, ref, content: { folder: "", ref: found } });
        if (commit !== undefined) expect(content.commit).toBe(commit);
        expect((await world.files(content))["index.ts"]).toBe(text);
      }
    }
  });

  it("fetches without history, once, and moves nothing when nothing is new", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    const url = `http://${http.host}/acme/services/.git`;
    const fetches = (): number => http.requests.filter(({ path }) => path.endsWith("/git-upload-pack")).length;
    const content = await world.resolve(url);
    const before = fetches();
    expect(await world.resolve(url)).toEqual(content);
    // What a reference means is asked in one request of this kind; a fetch takes another.
    expect(fetches() - before).toBe(1);
    expect(await cachedObjects(world.runtimeFolder)).toBe(7);
    const commit = await repository.commit({ "api/more.ts": "more" });
    expect(await world.resolve(url)).toMatchObject({ commit, ref: "main" });
    // The new commit, its two trees and its one file.
    expect(await cachedObjects(world.runtimeFolder)).toBe(7 + 4);
    await repository.git("reset", "--quiet", "--hard", last);
  });

  it("keeps what one namespace fetched from another", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    const url = `http://${http.host}/acme/services/.git@${first}`;
    await world.resolve(url);
    const before = http.requests.length;
    await world.resolve(url, undefined, "other");
    expect(http.requests.length - before).toBeGreaterThan(2);
  });

  it("removes from its cache what is unused for long or too much, and fetches it again", async () => {
    await using temp = await createTempFolder();
    let now = Date.now();
    await using world = createGitWorld(temp.path, { clock: { now: () => now }, ageMs: 60_000, bytesMax: 150_000 });
    const [url = "", , other = ""] = urls();
    const names = async (): Promise<string[]> => readdir(`${world.runtimeFolder}/git`);
    const content = await world.resolve(url);
    await world.git.collect();
    expect(await names()).toHaveLength(1);
    now += 61_000;
    await world.git.collect();
    expect(await names()).toEqual([]);
    expect(await world.resolve(url)).toEqual(content);
    const big = await createRepository(`${folder.path}/big`);
    await big.commit({ "a.bin": randomBytes(200_000).toString("hex") });
    now += 1_000;
    await world.resolve(`file://${big.path}`);
    await world.git.collect();
    // Both together are too much, and so is the big one alone.
    expect(await names()).toEqual([]);
    expect(await world.resolve(other)).toMatchObject({ commit: last });
  });

  it("drops old commits from a repository that is fetched from again and again", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    const busy = await createRepository(`${folder.path}/busy`);
    for (let round = 0; round < limits.gitPackCountMax + 2; round += 1) {
      const commit = await busy.commit({ "index.ts": `round ${round}` });
      expect(await world.resolve(`file://${busy.path}`)).toMatchObject({ commit });
    }
    const [name = ""] = await readdir(`${world.runtimeFolder}/git`);
    const packs = await readdir(`${world.runtimeFolder}/git/${name}/objects/pack`);
    expect(packs.filter((each) => each.endsWith(".pack")).length).toBeLessThan(5);
  });

  it("goes on after a server that was killed while it fetched", async () => {
    await using temp = await createTempFolder();
    const [url = ""] = urls();
    {
      await using world = createGitWorld(temp.path);
      await world.resolve(`${url}@v1.0.0`);
    }
    await using world = createGitWorld(temp.path);
    const [name = ""] = await readdir(`${world.runtimeFolder}/git`);
    await writeFile(`${world.runtimeFolder}/git/${name}/shallow.lock`, "");
    await writeFile(`${world.runtimeFolder}/git/${name}/objects/pack/tmp_pack_x`, "half");
    expect(await world.resolve(url)).toMatchObject({ commit: last });
  });

  it("throws a damaged cache away", async () => {
    await using temp = await createTempFolder();
    const [url = ""] = urls();
    {
      await using world = createGitWorld(temp.path);
      await world.resolve(url);
    }
    await using world = createGitWorld(temp.path);
    const [name = ""] = await readdir(`${world.runtimeFolder}/git`);
    const packs = `${world.runtimeFolder}/git/${name}/objects/pack`;
    for (const file of await readdir(packs)) {
      if (!file.endsWith(".pack")) continue;
      await chmod(`${packs}/${file}`, 0o600);
      await writeFile(`${packs}/${file}`, "PACK");
    }
    expect((await world.refusal(url)).detail).not.toContain("\n");
    expect(await world.resolve(url)).toMatchObject({ commit: last });
  });

  it("puts files in the place of links, and leaves out submodules and links to folders", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    const linked = await createRepository(`${folder.path}/linked`);
    await linked.commit({
      "svc/index.ts": "index",
      "svc/node_modules/x/index.js": "committed",
      "shared/a.ts": "shared",
      "svc/a.ts": { link: "../shared/a.ts" },
      "svc/b.ts": { link: "shared/a.ts" },
      "svc/shared": { link: "../shared" },
      "svc/nothing": { link: "no/where" },
      "svc/round": { link: "round" },
    });
    await linked.git("update-index", "--add", "--cacheinfo", `160000,${first},module`);
    await linked.git("commit", "--quiet", "--message", "a submodule");
    const url = `file://${linked.path}`;
    expect(await world.files(await world.resolve(url))).toEqual({
      "svc/index.ts": "index",
      "shared/a.ts": "shared",
      "svc/a.ts": "shared",
      "svc/b.ts": "shared",
    });
    for (const link of ["/etc/passwd", "../../outside", "../../../etc/passwd"]) {
      await linked.commit({ "svc/out": { link } });
      expect(await world.refusal(url)).toMatchObject({
        code: "invalid_argument",
        detail: "the link svc/out of the repository leads out of it",
      });
    }
  });

  it("takes a folder alone where that can stand alone, else the repository", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    const mono = await createRepository(`${folder.path}/mono`);
    await mono.commit({
      "package.json": "{}",
      "shared/a.ts": "",
      "alone/package.json": "{}",
      "alone/src/index.ts": 'import "../b.ts"',
      "reaching/package.json": "{}",
      "reaching/src/index.ts": 'import "../../shared/a.ts"',
      "poor/index.ts": "",
    });
    const foldersOf = async (name: string): Promise<readonly [string, readonly string[]]> => {
      const content = await world.resolve(`file://${mono.path}//${name}`);
      return [content.folder, Object.keys(await world.files(content)).toSorted()];
    };
    expect(await foldersOf("alone")).toEqual(["", ["package.json", "src/index.ts"]]);
    for (const name of ["reaching", "poor"]) {
      const [inside, paths] = await foldersOf(name);
      expect(inside).toBe(name);
      expect(paths).toContain("shared/a.ts");
    }
    await mono.commit({ "package.json": '{"workspaces": ["alone"]}' });
    expect((await foldersOf("alone"))[0]).toBe("alone");
  });

  it("says in one line what is wrong", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    await createRepository(`${folder.path}/served/acme/empty`);
    const plain = `http://${http.host}/acme`;
    const wrong: readonly (readonly [string, string, string])[] = [
      ["https://no-such-host.invalid/a/b.git", "not_found", "host no-such-host.invalid is not known"],
      ["git://no-such-host.invalid/a/b.git", "not_found", "host no-such-host.invalid is not known"],
      ["http://127.0.0.1:1/a/b.git", "unavailable", "127.0.0.1:1 does not answer"],
      [`${plain}/none.git`, "not_found", `there is no repository ${plain}/none.git`],
      [`git://${daemon.host}/acme/none`, "not_found", `there is no repository git://${daemon.host}/acme/none`],
      [`file://${folder.path}/none`, "not_found", `there is no repository file://${folder.path}/none`],
      [`${plain}/services/.git@none`, "not_found", `${plain}/services/.git has no branch and no tag none`],
      [`${plain}/services/.git@${"1".repeat(40)}`, "not_found", `has no commit ${"1".repeat(40)}`],
      [`${plain}/services/.git@1234567`, "not_found", "has no branch, no tag and no commit 1234567"],
      [`${plain}/services/.git//none`, "not_found", `there is no folder none in ${plain}/services/.git at main`],
      [`${plain}/services/.git//api/index.ts`, "not_found", "there is no folder api/index.ts in"],
      [`${plain}/empty/.git`, "not_found", "has no default branch"],
      [`http://${http.host}/private/x.git`, "failed_precondition", "is private or does not exist"],
    ];
    for (const [text, code, detail] of wrong) {
      const refusal = await world.refusal(text);
      expect({ text, code: refusal.code, detail: refusal.detail }).toEqual({
        text,
        code: code as never,
        detail: expect.stringContaining(detail),
      });
      expect(refusal.detail).not.toContain("\n");
    }
    expect(await readdir(`${world.runtimeFolder}/sources`).catch(() => [])).toEqual([]);
  });

  it("looks for the repository where groups may lie in groups", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    await (await createRepository(`${folder.path}/served/group/sub/deep`)).commit({ "svc/index.ts": "deep" });
    const base = `http://${http.host}`;
    const source = (text: string): GitSource => {
      const places = ["group/sub", "group/sub/deep", "group/sub/deep/svc"].map((path) => ({
        url: `${base}/${path}`,
        folder: "group/sub/deep/svc".slice(path.length + 1),
      }));
      return { protocol: "http", host: http.host, places, ref: undefined, text };
    };
    const found = await world.git.resolve({ namespace: "micro", source: source("x") });
    expect(await world.files(found)).toEqual({ "index.ts": "deep" });
    const nowhere = source("y").places.map(({ url, folder: inside }) => ({ url: `${url}-not`, folder: inside }));
    const asked = world.git.resolve({ namespace: "micro", source: { ...source("host/y"), places: nowhere } });
    await expect(asked).rejects.toMatchObject({
      code: "not_found",
      detail: expect.stringContaining("no part of host/y is a repository: there is no repository"),
    });
  });

  it("gives up on a server that does not answer, on too much, and when the server stops", async () => {
    await using temp = await createTempFolder();
    let asked = 0;
    await using mute = startGitHttpServer({
      folder: "",
      intercept: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    const url = `http://${mute.host}/a/b.git`;
    await using hasty = createGitWorld(`${temp.path}/hasty`, { timeoutMs: 3_000 });
    expect(await hasty.refusal(url)).toMatchObject({
      code: "gateway_timeout",
      detail: `${mute.host} has not sent what was asked within 3 s`,
    });
    const big = await createRepository(`${folder.path}/too-big`);
    await big.commit({ "a.bin": randomBytes(200_000).toString("hex") });
    await using small = createGitWorld(`${temp.path}/small`, { fileBytesMax: 100_000 });
    expect(await small.refusal(`file://${big.path}`)).toMatchObject({ code: "payload_too_large" });
    const stopped = createGitWorld(`${temp.path}/stopped`);
    const before = asked;
    const waiting = stopped.refusal(url);
    await waitUntil("the server is asked", () => asked > before);
    await stopped.git.stop();
    expect(await waiting).toMatchObject({ code: "unavailable", detail: "the server is stopping" });
    expect(await stopped.refusal(url)).toMatchObject({ detail: "the server is stopping" });
  });

  it("says so where git is missing", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path, { serverEnv: { PATH: temp.path } });
    expect(await world.refusal("https://example.com/a/b.git")).toMatchObject({
      code: "failed_precondition",
      detail: "git is not installed on the server; install it, or run a folder",
    });
  });

  it("runs no hook, helper or setting of a repository or of the user", async () => {
    await using temp = await createTempFolder();
    const marker = `${temp.path}/marker`;
    await Bun.write(
      `${temp.path}/.gitconfig`,
      `[credential]\n\thelper = "!touch ${marker}"\n[core]\n\thooksPath = /nowhere\n`,
    );
    await using world = createGitWorld(temp.path, { serverEnv: { ...process.env, HOME: temp.path } });
    await world.refusal(`http://${http.host}/private/x.git`);
    const sly = await createRepository(`${folder.path}/sly`);
    await sly.commit({ ".gitattributes": "* filter=x export-ignore\n", "index.ts": "x" });
    await sly.git("config", "uploadpack.packObjectsHook", `touch ${marker};`);
    expect(await world.files(await world.resolve(`file://${sly.path}`))).toMatchObject({ "index.ts": "x" });
    expect(await Bun.file(marker).exists()).toBe(false);
  });
});

/** Objects of the one repository in a cache. */
async function cachedObjects(runtimeFolder: string): Promise<number> {
  const [name = ""] = await readdir(`${runtimeFolder}/git`);
  const { stdout } = await runCommand(["git", "count-objects", "-v"], { cwd: `${runtimeFolder}/git/${name}` });
  const count = (key: string): number => Number(new RegExp(`^${key}: (\\d+)$`, "m").exec(stdout)?.[1]);
  return count("count") + count("in-pack");
}
