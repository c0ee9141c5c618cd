import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { runCommand } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import { createRepository } from "./git-repository.ts";

/** `micro run FOLDER`: what of a repository is sent, and what is not sent again. */
let server: TestServer;
let folder: TempFolder;

beforeAll(async () => {
  [server, folder] = await Promise.all([startServer(), createTempFolder()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function service(imports: string, answer: string): string {
  return `import { service, z } from "micro-ts";
${imports}
const folder = service("folder");
folder.endpoint("Folder.Call", {
  request: z.object({}),
  response: z.object({ msg: z.string() }),
  handle: () => ({ msg: ${answer} }),
});
await folder.run();
`;
}

async function call(): Promise<string> {
  return (await server.micro(["folder", "call", "--output", "raw"])).stdout.trim();
}

describe("micro run FOLDER", () => {
  it("takes along what lies above in the repository, and only where that is needed", async () => {
    const root = `${folder.path}/mono`;
    const mono = await createRepository(root);
    await mono.commit({
      "package.json": "{}",
      ".gitignore": "ignored/\n",
      "shared/words.ts": 'export const words = "from above";\n',
      "svc/folder/package.json": "{}",
      "svc/folder/index.ts": service('import { words } from "../../shared/words.ts";', "words"),
    });
    expect(await server.micro(["run", `${root}/svc/folder`])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"from above"}');
    expect((await server.micro(["status", "folder"])).stdout).toContain(`${root}/svc/folder `);

    await Bun.write(`${root}/svc/folder/index.ts`, service("", '"alone"'));
    expect(await server.micro(["update", `${root}/svc/folder`])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"alone"}');

    await Bun.write(`${root}/svc/folder/index.ts`, service('import { words } from "../../shared/words.ts";', "words"));
    expect(await server.micro(["update", `${root}/svc/folder`])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"from above"}');

    // Said otherwise, it is sent otherwise.
    const narrow = await server.micro(["update", `${root}/svc/folder`, "--root", `${root}/svc`]);
    expect(narrow).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Cannot find module '../../shared/words.ts'"),
    });
    const wrong = await server.micro(["run", `${root}/svc/folder`, "--root", `${root}/shared`]);
    expect(wrong.stderr).toBe(`Invalid value "${root}/shared" for flag -root: it does not hold ${root}/svc/folder\n`);

    // An entry point is one of the folder, and stays with it.
    await Bun.write(
      `${root}/svc/folder/other.ts`,
      service('import { words } from "../../shared/words.ts";', '"other " + words'),
    );
    expect(await server.micro(["update", `${root}/svc/folder`, "--entrypoint", "other.ts"])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"other from above"}');
    expect(await server.micro(["update", `${root}/svc/folder`])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"other from above"}');
    await server.micro(["kill", "folder"]);

    // What git ignores is not in the repository, and is run as it lies here.
    await mkdir(`${root}/ignored/folder`, { recursive: true });
    await Bun.write(`${root}/ignored/folder/index.ts`, service("", '"ignored"'));
    expect(await server.micro(["run", `${root}/ignored/folder`])).toMatchObject({ code: 0 });
    expect(await call()).toBe('{"msg":"ignored"}');
    await server.micro(["kill", "folder"]);
  });

  it("sends only what the server does not hold", async () => {
    await using proxy = await startCountingProxy(server.addresses.proxy);
    const env = { MICRO_ENV: "counted" };
    await server.micro(["env", "add", "counted", proxy.address]);
    await server.micro(["login", "--username", "admin", "--password", secretOf(server.output())], { env });
    const path = `${folder.path}/folder`;
    await Bun.write(`${path}/index.ts`, service("", '"one"'));
    for (let index = 0; index < 20; index += 1) {
      await Bun.write(`${path}/data/${index}.bin`, randomBytes(100_000));
    }
    const sent = async (...args: string[]): Promise<number> => {
      const before = proxy.sentBytes();
      expect(await server.micro(args, { env })).toMatchObject({ code: 0 });
      return proxy.sentBytes() - before;
    };
    const first = await sent("run", path);
    // Two megabytes, as base64.
    expect(first).toBeGreaterThan(2_600_000);

    await Bun.write(`${path}/index.ts`, service("", '"two"'));
    const second = await sent("update", path);
    expect(await call()).toBe('{"msg":"two"}');
    // The list of files, and the questions how it goes.
    expect(second).toBeLessThan(first / 10);

    // Under another name, moved, and with another file.
    await runCommand(["mv", `${path}/data`, `${path}/moved`]);
    await Bun.write(`${path}/new.bin`, randomBytes(50_000));
    const third = await sent("run", path, "--name", "other");
    expect(third).toBeLessThan(first / 10);
    await rm(`${path}/new.bin`);
    await server.micro(["kill", "folder", "other"]);
  });
});

function secretOf(output: string): string {
  return /secret (\S+)/.exec(output)?.[1] ?? "";
}
