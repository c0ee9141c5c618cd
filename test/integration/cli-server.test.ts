import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { startServer, microCommand, type TestServer } from "#testing/start-server.ts";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** The command line against a real server, with services that it makes itself. */
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

const counter = `import { service, z } from "micro-ts";
const counter = service("counter");
counter.endpoint("Counter.Count", {
  kind: "server_stream",
  request: z.object({ to: z.int(), options: z.object({ step: z.int().default(1) }).optional() }),
  response: z.object({ n: z.int() }),
  handle: async function* ({ to, options }) {
    for (let n = 1; n <= to; n += options?.step ?? 1) yield { n };
  },
});
counter.endpoint("Counter.Echo", {
  kind: "bidi_stream",
  request: z.object({ text: z.string() }),
  response: z.object({ text: z.string() }),
  handle: async function* (requests) {
    for await (const { text } of requests) yield { text };
  },
});
counter.endpoint("Counter.Join", {
  request: z.object({ words: z.array(z.string()).default([]), labels: z.record(z.string(), z.string()).default({}), loud: z.boolean().default(false) }),
  response: z.object({ text: z.string() }),
  handle: ({ words, labels, loud }, context) => {
    context.logger.info("joined " + words.length);
    const text = [...words, ...Object.entries(labels).flat()].join("|");
    return { text: loud ? text.toUpperCase() : text };
  },
});
await counter.run();
`;

describe("the first minutes", () => {
  it("need no login on the server's machine", async () => {
    expect(await micro("user")).toEqual({ code: 0, stdout: "admin\n", stderr: "" });
    const services = (await micro("services")).stdout.trimEnd().split("\n");
    expect(services).toContain("auth");
    expect(services).toEqual(services.toSorted());
  });

  it("make, run and call a service", async () => {
    expect((await micro("new", "helloworld")).code).toBe(0);
    expect(await micro("run", "./helloworld")).toEqual({ code: 0, stdout: "", stderr: "helloworld is running\n" });
    expect(await micro("helloworld", "call", "--name=Jane")).toEqual({
      code: 0,
      stdout: '{\n\t"msg": "Hello Jane"\n}\n',
      stderr: "",
    });
    expect((await micro("call", "helloworld", "Helloworld.Call", '{"name":"Joe"}', "-o", "raw")).stdout).toBe(
      '{"msg":"Hello Joe"}\n',
    );
    expect((await micro("status")).stdout).toMatch(/helloworld +latest +\S+helloworld +running/);
    expect((await micro("describe", "helloworld")).stdout).toContain("Request: {\n\tname string\n}");
  });

  it("say what a service does not take", async () => {
    const missing = await micro("call", "helloworld", "Helloworld.Call", "{}");
    expect(missing.code).toBe(127);
    expect(missing.stderr).toMatch(/^name: [^\n]+\n$/);
    expect(await micro("call", "nope", "Nope.Call")).toEqual({
      code: 4,
      stdout: "",
      stderr: 'Service "nope" not found\n',
    });
    expect(await micro("call", "helloworld", "Helloworld.Nope")).toMatchObject({ code: 5, stdout: "" });
    expect(await micro("nope")).toMatchObject({
      code: 1,
      stderr: "Unrecognized micro command: nope. Please refer to 'micro --help'\n",
    });
  });
});

describe("micro run and its relatives", () => {
  it("refuses a second run, updates, and shows the log", async () => {
    await Bun.write(`${folder.path}/counter/index.ts`, counter);
    expect(await micro("run", "counter")).toMatchObject({ code: 0 });
    expect(await micro("run", "counter")).toMatchObject({ code: 1 });
    await Bun.write(`${folder.path}/counter/index.ts`, counter.replace('join("|")', 'join("+")'));
    expect(await micro("update", "counter")).toEqual({ code: 0, stdout: "", stderr: "counter is running\n" });
    const joined = await micro("counter", "join", "--words=a,b", "--labels.x=y", "--loud", "-o", "raw");
    expect(joined).toEqual({ code: 0, stdout: '{"text":"A+B+X+Y"}\n', stderr: "" });
    await waitUntil("the log has the line", async () => (await micro("logs", "counter")).stdout.includes("joined 2"));
    const [line = ""] = (await micro("logs", "counter", "-n", "1", "-o", "json")).stdout.split("\n");
    expect(JSON.parse(line)).toMatchObject({ Metadata: { service: "counter" } });
  });

  it("streams in both directions", async () => {
    expect((await micro("counter", "count", "--to=3", "--options.step", "2", "-o=raw")).stdout).toBe(
      '{"n":1}\n{"n":3}\n',
    );
    const echo = await server.micro(["counter", "echo", "-o", "raw"], { stdin: '{"text":"a"}\n{"text":"b"}\n' });
    expect(echo).toMatchObject({ code: 0, stdout: '{"text":"a"}\n{"text":"b"}\n' });
  });

  it("answers a message of a stream before the next one is typed", async () => {
    const child = Bun.spawn([...microCommand, "counter", "echo", "-o", "raw"], {
      env: { ...server.env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    for (const text of ["one", "two"]) {
      void child.stdin.write(`${JSON.stringify({ text })}\n`);
      await child.stdin.flush();
      const { value } = await reader.read();
      expect(new TextDecoder().decode(value)).toBe(`${JSON.stringify({ text })}\n`);
    }
    await child.stdin.end();
    expect(await child.exited).toBe(0);
  });

  it("follows a log until it is told to stop", async () => {
    const child = Bun.spawn([...microCommand, "logs", "counter", "-f"], {
      env: { ...server.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    const reading = (async () => {
      for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
    })();
    await micro("counter", "join", "--words=1,2,3,4,5,6,7");
    await waitUntil("the followed log shows the call", () => text.includes("joined 7"));
    child.kill("SIGINT");
    await Promise.all([child.exited, reading]);
  });

  it("gives the reason when a service cannot start, and an old one stays when an update cannot", async () => {
    await Bun.write(`${folder.path}/broken/index.ts`, "const = 1;\n");
    const { code, stderr } = await micro("run", "broken");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^broken cannot run: [^\n]+; see "micro logs broken"\n$/);
    expect((await micro("status", "broken")).stdout).toMatch(/broken +latest +\S+ +error/);
    await Bun.write(`${folder.path}/counter/index.ts`, "const = 1;\n");
    expect(await micro("update", "counter")).toMatchObject({ code: 1, stdout: "" });
    expect((await micro("counter", "join", "--words=a")).code).toBe(0);
    await Bun.write(
      `${folder.path}/broken/index.ts`,
      counter.replaceAll("counter", "broken").replaceAll("Counter", "Broken"),
    );
    expect(await micro("run", "broken")).toMatchObject({ code: 0 });
  });

  it("updates how a service runs, from inside its folder, and keeps what is not said", async () => {
    const inside = { cwd: `${folder.path}/teller` };
    const code = counter.replaceAll("counter", "teller").replaceAll("Counter", "Teller");
    const said = 'console.log("is", process.env.COLOUR, process.env.SIZE, process.argv.slice(2).join("+"));';
    await Bun.write(`${inside.cwd}/index.ts`, `${said}\n${code}`);
    const isLogged = (line: string): Promise<boolean> =>
      waitUntil(`the log has: ${line}`, async () => (await micro("logs", "teller")).stdout.includes(`${line}\n`));
    const run = ["run", ".", "--env-vars", "COLOUR=blue,SIZE=1", "--metadata", "team=a", "--", "one"];
    expect(await server.micro(run, inside)).toMatchObject({ code: 0 });
    await isLogged("is blue 1 one");
    expect(await server.micro(["update", ".", "--env-vars", "SIZE=2", "--metadata", "team=b"], inside)).toEqual({
      code: 0,
      stdout: "",
      stderr: "teller is running\n",
    });
    await isLogged("is undefined 2 one");
    const command = `${process.execPath} --no-install index.ts`;
    expect(await server.micro(["update", ".", "--command", command, "--", "two"], inside)).toMatchObject({ code: 0 });
    await isLogged("is undefined 2 two");
    const [teller] = JSON.parse((await micro("status", "teller", "-o", "json")).stdout) as object[];
    expect(teller).toMatchObject({ metadata: { team: "b" } });
    expect(await server.micro(["run", ".", "--force"], inside)).toMatchObject({ code: 0 });
    await isLogged("is undefined undefined ");
    expect((await micro("kill", "teller")).code).toBe(0);
  });

  it("kills by name and by folder, and says what was never there", async () => {
    expect(await micro("kill", "broken")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await micro("kill", "./counter")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await micro("status", "counter")).stdout).toBe("");
    expect((await micro("kill", "counter")).code).toBe(127);
    expect((await micro("logs", "counter")).code).toBe(127);
    expect((await micro("update", "counter")).code).toBe(127);
  });
});

describe("the user", () => {
  it("logs out, is refused, and logs in again with the secret of the first start", async () => {
    const secret = /administrator +admin +secret +(\S+)/.exec(server.output())?.[1] ?? "";
    expect(await micro("logout")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await micro("services")).toEqual({
      code: 2,
      stdout: "",
      stderr: 'Not authorized to perform this request: log in with "micro login"\n',
    });
    expect(await micro("helloworld", "call", "--name=Jane")).toEqual({
      code: 2,
      stdout: "",
      stderr:
        'The flags of helloworld are in the registry, which needs an account: log in with "micro login", or use "micro call helloworld Type.Method JSON"\n',
    });
    expect(await micro("call", "helloworld", "Helloworld.Call", '{"name":"Jane"}')).toMatchObject({ code: 0 });
    expect(await micro("login", "--username=admin", "--password=wrong")).toMatchObject({ code: 1, stdout: "" });
    const login = await server.micro(["login"], { stdin: `admin\n${secret}\n` });
    expect(login).toMatchObject({ code: 0, stdout: "Successfully logged in.\n" });
    expect((await stat(`${server.home}/tokens`)).mode & 0o777).toBe(0o600);
    expect((await micro("services")).code).toBe(0);
  });

  it("is another one in another namespace, and comes back to the first", async () => {
    await micro("auth", "create", "account", "fred", "--secret=open-sesame", "--namespace=foo");
    const login = await micro("login", "--username=fred", "--password=open-sesame", "--namespace=foo");
    expect(login).toMatchObject({ code: 0 });
    expect((await micro("user")).stdout).toBe("admin\n");
    expect((await micro("user", "--namespace=foo")).stdout).toBe("fred\n");
    await micro("user", "namespace", "set", "foo");
    expect((await micro("user")).stdout).toBe("fred\n");
    expect((await micro("user", "config")).stdout).toStartWith("user: fred\nnamespace: foo\n");
    expect(await micro("logout")).toEqual({ code: 0, stdout: "", stderr: "" });
    // Without a login of the namespace, that of the installation counts.
    expect((await micro("user")).stdout).toBe("admin\n");
    await micro("user", "namespace", "set", "micro");
    expect((await micro("user")).stdout).toBe("admin\n");
  });

  it("stays logged in when the password changes, also as an account of another namespace", async () => {
    const change = (before: string, after: string, ...args: string[]): Promise<CommandResult> =>
      micro("user", "set", "password", `--old-password=${before}`, `--new-password=${after}`, ...args);
    await micro("auth", "create", "account", "jane", "--name=boss", "--secret=first-secret", "--namespace=foo");
    await micro("login", "--username=jane", "--password=first-secret", "--namespace=foo");
    const before = await micro("user", "token", "--namespace=foo");
    expect(await change("first-secret", "second-secret", "--namespace=foo")).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    const after = await micro("user", "token", "--namespace=foo");
    expect(after.stdout).not.toBe(before.stdout);
    expect(await micro("call", "auth", "Auth.Inspect", JSON.stringify({ token: before.stdout.trim() }))).toMatchObject({
      code: 127,
    });
    expect(await micro("services", "--namespace=foo")).toMatchObject({ code: 0 });
    expect(await change("second-secret", "third-secret", "--email=boss", "--namespace=foo")).toMatchObject({ code: 0 });
    expect((await micro("user", "--namespace=foo")).stdout).toBe("boss\n");
    await micro("logout", "--namespace=foo");
    // Without a login of the namespace commands act as admin, so his password is the one that changes.
    expect(await change("", "fourth-secret", "--namespace=foo")).toMatchObject({ code: 0 });
    expect((await micro("user")).stdout).toBe("admin\n");
    expect(await micro("login", "--username=admin", "--password=fourth-secret")).toMatchObject({ code: 0 });
    expect(await change("wrong", "fifth-secret", "--email=nobody")).toMatchObject({ code: 127 });
  });

  it("stays logged in when many commands renew the login at the same time", async () => {
    await expireLogin();
    const results = await Promise.all(Array.from({ length: 6 }, () => micro("services")));
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
    await expireLogin();
    expect((await micro("user")).stdout).toBe("admin\n");
  });

  it("completes services, endpoints and their flags", async () => {
    const complete = async (...words: string[]): Promise<string[]> =>
      (await micro("__complete", "--", ...words)).stdout.split("\n").filter((line) => line !== "");
    expect(await complete("hello")).toEqual(["helloworld"]);
    expect(await complete("helloworld", "")).toEqual(["call"]);
    expect(await complete("helloworld", "call", "--n")).toEqual(["--name=", "--namespace"]);
    expect(await complete("call", "helloworld", "")).toEqual(["Helloworld.Call"]);
    expect(await complete("logs", "hello")).toEqual(["helloworld"]);
  });
});

/** Makes the login in the file look as if it ended soon. */
async function expireLogin(): Promise<void> {
  const path = `${server.home}/tokens`;
  const [line = ""] = (await readFile(path, "utf8")).split("\n");
  const at = line.lastIndexOf(":");
  const login = JSON.parse(Buffer.from(line.slice(at + 1), "base64").toString()) as object;
  const soon = { ...login, expiry: Math.floor(Date.now() / 1_000) + 5 };
  await Bun.write(path, `${line.slice(0, at)}:${Buffer.from(JSON.stringify(soon)).toString("base64")}\n`);
}

describe("a server whose only accounts are services", () => {
  it("starts, and makes an administrator of another name as whom the local user is logged in", async () => {
    await using lone = await startServer();
    const create = ["auth", "create", "account", "--secret=long-enough-secret"];
    const boss = await lone.micro([...create, "boss", "--type=service", "--scopes=service"]);
    expect(boss).toMatchObject({ code: 0 });
    const login = await lone.micro(["login", "--username=boss", "--password=long-enough-secret"]);
    expect(login).toMatchObject({ code: 0 });
    expect(await lone.micro(["auth", "delete", "account", "admin"])).toMatchObject({ code: 0 });
    expect(await lone.micro([...create, "admin", "--type=service"])).toMatchObject({ code: 0 });
    await lone.kill("SIGTERM");
    await lone.start();
    expect(lone.output()).toMatch(/administrator +administrator +secret /);
    expect(await lone.micro(["user"])).toEqual({ code: 0, stdout: "administrator\n", stderr: "" });
    await lone.kill("SIGTERM");
    await lone.start();
    expect(await lone.micro(["user"])).toEqual({ code: 0, stdout: "administrator\n", stderr: "" });
  });
});

describe("a server that is gone", () => {
  it("is reported with its address, also right after it was killed", async () => {
    await using gone = await startServer();
    await gone.kill("SIGKILL");
    const { code, stderr } = await runCommand([...microCommand, "services"], {
      env: { ...baseEnvironment(), ...gone.env },
    });
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: 'Failed to connect to micro server at 127.0.0.1:8081: is it running? Start it with "micro server"\n',
    });
  });
});
