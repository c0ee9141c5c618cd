import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chmod, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { explainGitFailure } from "#core/runtime/git-failure.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { startGitHttpServer } from "../fixtures/git-http-server.ts";
import { createRepository, type TestRepository } from "./git-repository.ts";
import { createGitWorld } from "./git-world.ts";
import { serviceProgram, startRuntimeWorld, type RuntimeWorld } from "./runtime-world.ts";

/** Services of the runtime whose source is a repository. */
const key = { namespace: "micro", name: "greeter", version: "latest" };
let folder: TempFolder;
let repository: TestRepository;
let url: string;

beforeAll(async () => {
  folder = await createTempFolder();
  repository = await createRepository(`${folder.path}/served/greeter`);
  await repository.commit({ "index.ts": serviceProgram("first") });
  await repository.git("tag", "v1");
  await repository.git("branch", "release/1.x");
  await repository.commit({ "index.ts": serviceProgram("second") });
  url = `file://${repository.path}`;
});

afterAll(() => folder[Symbol.asyncDispose]());

async function untilRunning(world: RuntimeWorld, at = key): Promise<void> {
  await waitUntil("the service runs", async () => (await world.state(at)).status === "running");
}

async function refusalOf(work: Promise<unknown>): Promise<MicroError> {
  return work.then(
    () => new MicroError("internal", "it was not refused"),
    (reason: unknown) => MicroError.from(reason),
  );
}

describe("LocalRuntime with a source of git", () => {
  it("takes the version for the ref where the source has none, as clients of Micro send it", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const [first, second] = [await repository.git("rev-parse", "v1"), await repository.git("rev-parse", "main")];
    for (const [version, source, commit, shown] of [
      ["latest", url, second, "main"],
      ["v1", url, first, "v1"],
      ["release/1.x", url, first, "release/1.x"],
      ["two", `${url}@v1`, first, "v1"],
    ] as const) {
      await world.runtime.create({ ...key, version }, source, {});
      expect(await world.state({ ...key, version })).toMatchObject({ source: `${url}@${shown}`, commit });
    }
    const wrong = await refusalOf(world.runtime.create({ ...key, version: "v9" }, url, {}));
    expect(wrong).toMatchObject({ code: "not_found", detail: `${url} has no branch and no tag v9` });
  });

  it("brings it back without asking anybody, restarts it as it is, and fetches it anew with an update", async () => {
    await using temp = await createTempFolder();
    const commit = await repository.git("rev-parse", "main");
    {
      await using world = await startRuntimeWorld({ folder: temp.path });
      await world.runtime.create(key, url, { metadata: { source: "something else" } });
      await untilRunning(world);
    }
    await rename(repository.path, `${repository.path}-away`);
    await using world = await startRuntimeWorld({ folder: temp.path });
    await untilRunning(world);
    await world.runtime.update(key, "");
    expect(await world.state(key)).toMatchObject({ source: `${url}@main`, commit });
    expect(await refusalOf(world.runtime.update(key, url))).toMatchObject({ code: "not_found" });
    expect(await world.state(key)).toMatchObject({ status: "running", commit });
    await rename(`${repository.path}-away`, repository.path);
    await repository.git("switch", "--quiet", "--create", "next");
    const next = await repository.commit({ "svc/index.ts": serviceProgram("third"), "package.json": "{}" });
    await repository.git("switch", "--quiet", "main");
    await world.runtime.update(key, `${url}//svc@next`);
    expect(await world.state(key)).toMatchObject({ status: "running", source: `${url}//svc@next`, commit: next });
    // An entry point that is not said again stays with the folder of the source, whatever that is.
    await world.runtime.update(key, `${url}@main`);
    expect(await world.state(key)).toMatchObject({ status: "running", commit });
    await world.runtime.delete(key);
    await waitUntil("its source is removed", async () => {
      const names = await readdir(`${temp.path}/runtime/sources`).catch(() => []);
      return names.length === 0;
    });
  });

  it("leaves the server's own disk and key to administrators of the installation", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    const own = { ...key, namespace: "foo" };
    for (const source of [url, "ssh://git@127.0.0.1:1/x.git", "git@127.0.0.1:x.git"]) {
      const refusal = await refusalOf(world.runtime.create(own, source, { sourceNamespace: "foo" }));
      expect(refusal).toMatchObject({ code: "permission_denied" });
      expect(refusal.detail).toMatch(/^sources of (file|ssh) are for administrators of namespace micro; use https$/);
    }
    await world.runtime.create(own, url, { sourceNamespace: "micro" });
    expect(await world.state(own)).toMatchObject({ source: `${url}@main` });
  });

  it("says what is wrong with a text that is no source", async () => {
    await using temp = await createTempFolder();
    await using world = await startRuntimeWorld({ folder: temp.path });
    for (const [source, detail] of [
      ["nonsense", 'source "nonsense" is neither an upload nor host/owner/repo nor a URL of git'],
      ["ext::sh -c touch% x", "is neither an upload nor"],
      ["https://user:secret@host/x.git", "a source holds no password"],
      ["github.com/acme", "it names no repository; write host/owner/repo"],
      ["github.com/acme/x@--upload-pack=touch", "what is after @ is no ref of git"],
      ["ssh://-oProxyCommand=touch/x", "the host is none"],
    ] as const) {
      const refusal = await refusalOf(world.runtime.create(key, source, {}));
      expect({ source, code: refusal.code, detail: refusal.detail }).toEqual({
        source,
        code: "invalid_argument",
        detail: expect.stringContaining(detail),
      });
    }
    const dashed = await refusalOf(world.runtime.create({ ...key, version: "a//b" }, url, {}));
    expect(dashed.detail).toContain("version a//b is no ref of git");
  });

  it("stops in the middle of a fetch, and leaves no git behind", async () => {
    await using temp = await createTempFolder();
    let isAsked = false;
    await using mute = startGitHttpServer({
      folder: "",
      intercept: () => {
        isAsked = true;
        return new Promise(() => undefined);
      },
    });
    const world = await startRuntimeWorld({ folder: temp.path });
    const refused = refusalOf(world.runtime.create(key, `http://${mute.host}/a/b.git`, {}));
    await waitUntil("the server is asked", () => isAsked);
    await world[Symbol.asyncDispose]();
    expect(await refused).toMatchObject({ code: "unavailable", detail: "the server is stopping" });
    const { stdout } = Bun.spawnSync(["ps", "-eo", "args"]);
    expect(stdout.toString()).not.toContain(mute.host);
  });
});

describe("ssh sources", () => {
  /** Stands for the ssh of the system: what it is asked for runs on this machine, or fails with what ssh would say. */
  async function withSsh(temp: string, script: string) {
    await mkdir(`${temp}/bin`, { recursive: true });
    await writeFile(`${temp}/bin/ssh`, `#!/bin/sh\n${script}\n`);
    await chmod(`${temp}/bin/ssh`, 0o755);
    return createGitWorld(temp, { serverEnv: { ...process.env, PATH: `${temp}/bin:${process.env["PATH"]}` } });
  }

  it("go through the ssh of the server, which asks nobody", async () => {
    await using temp = await createTempFolder();
    const run = `printf '%s\\n' "$*" >> ${temp.path}/asked; for last; do :; done; eval "$last"`;
    await using world = await withSsh(temp.path, run);
    const commit = await repository.git("rev-parse", "main");
    for (const text of [`ssh://git@example.com:2222${repository.path}`, `git@example.com:${repository.path}/.git`]) {
      expect(await world.resolve(text)).toMatchObject({ commit, ref: "main" });
    }
    const asked = await Bun.file(`${temp.path}/asked`).text();
    expect(asked).toContain("BatchMode=yes");
    expect(asked).toContain("StrictHostKeyChecking=yes");
    expect(asked).toContain("git@example.com");
  });

  it("say what ssh says in one line", async () => {
    for (const [said, code, detail] of [
      ["Host key verification failed.", "failed_precondition", "the key of example.com is not known to the server"],
      ["git@example.com: Permission denied (publickey).", "failed_precondition", "refuses the ssh key of the server"],
      [
        "ssh: Could not resolve hostname example.com: Name or service not known",
        "not_found",
        "host example.com is not",
      ],
      ["ssh: connect to host example.com port 22: Connection refused", "unavailable", "example.com does not answer"],
      ["ERROR: Repository not found.", "not_found", "there is no repository git@example.com:a/b.git"],
    ] as const) {
      await using temp = await createTempFolder();
      await using world = await withSsh(temp.path, `echo '${said}' >&2; exit 255`);
      const refusal = await world.refusal("git@example.com:a/b.git");
      expect({ said, code: refusal.code, detail: refusal.detail }).toEqual({
        said,
        code,
        detail: expect.stringContaining(detail),
      });
    }
  });
});

describe("explainGitFailure()", () => {
  it("does not take names of a repository for what git says", () => {
    const url = "https://example.com/openssl/certificate-not-found";
    const question = { url, host: "example.com", hasCredential: false };
    expect(explainGitFailure(`fatal: repository '${url}/' not found`, question).error.code).toBe("not_found");
    expect(explainGitFailure(`fatal: unable to read ${url}: odd\n`, question).error.detail).toBe(
      `git cannot read ${url}: unable to read ${url}: odd`,
    );
  });
});
