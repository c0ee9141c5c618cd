import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { createServer, type Server } from "node:tls";
import { runCommand, type CommandResult } from "#testing/run-command.ts";
import { spawnMicro } from "#testing/spawn-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** Two machines: `home` is where somebody works, `far` is a server elsewhere that is known by its name only. */
let home: TestServer;
let far: TestServer;
let folder: TempFolder;

const hasOpenssl = Bun.which("openssl") !== null;
const secret = "correct horse battery staple";

function program(answer: string): string {
  return `import { service, z } from "micro-ts";
const shop = service("shop", { version: "1.0.0" });
shop.endpoint("Shop.Ask", { request: z.object({}), response: z.object({ answer: z.string() }), handle: () => ({ answer: "${answer}" }) });
await shop.run();
`;
}

beforeAll(async () => {
  [home, far, folder] = await Promise.all([
    startServer(),
    startServer({ env: { MICRO_ADMIN_SECRET: secret } }),
    createTempFolder(),
  ]);
  await Bun.write(`${folder.path}/shop/index.ts`, program("first"));
});

afterAll(async () => {
  await Promise.all([home[Symbol.asyncDispose](), far[Symbol.asyncDispose]()]);
  await folder[Symbol.asyncDispose]();
});

function micro(...args: string[]): Promise<CommandResult> {
  return home.micro(args, { cwd: folder.path });
}

async function ask(): Promise<string> {
  const { stdout } = await micro("-e", "prod", "shop", "ask", "-o", "raw");
  return stdout.trim();
}

describe("a server elsewhere", () => {
  it("is named, logged in to, and takes every command as the local one does", async () => {
    expect(await micro("env", "add", "prod", far.addresses.proxy)).toMatchObject({ code: 0, stderr: "" });
    const early = await micro("-e", "prod", "status");
    expect(early).toMatchObject({
      code: 2,
      stderr: 'Not authorized to perform this request: log in with "micro login"\n',
    });
    expect(await micro("-e", "prod", "login", "--username=admin", `--password=${secret}`)).toMatchObject({ code: 0 });

    expect(await micro("-e", "prod", "run", "./shop")).toMatchObject({ code: 0, stderr: "shop is running\n" });
    expect(await ask()).toBe('{"answer":"first"}');
    expect((await micro("-e", "prod", "logs", "shop", "--grep=serving")).stdout).toContain("service=shop");
    expect((await micro("status")).stdout).toBe("");

    await Bun.write(`${folder.path}/shop/index.ts`, program("second"));
    expect(await micro("-e", "prod", "update", "./shop")).toMatchObject({ code: 0 });
    expect(await ask()).toBe('{"answer":"second"}');
    expect(await micro("-e", "prod", "rollback", "shop")).toMatchObject({ code: 0 });
    expect(await ask()).toBe('{"answer":"first"}');
    expect(await micro("-e", "prod", "restart", "shop")).toMatchObject({ code: 0 });
    expect(await micro("-e", "prod", "scale", "shop", "2")).toMatchObject({ code: 0 });
    expect((await micro("-e", "prod", "status", "-o", "json")).stdout.match(/"pid"/g)).toHaveLength(2);
    expect(await ask()).toBe('{"answer":"first"}');
  }, 60_000);

  it("is watched and developed against, and is the current one when it is chosen", async () => {
    expect(await micro("env", "set", "prod")).toMatchObject({ code: 0 });
    await using watching = spawnMicro(["status", "--watch"], home.env);
    await waitUntil("the far service is seen", () => watching.stdout().includes('"name":"shop"'));
    await using running = spawnMicro(["run", "--watch", `${folder.path}/shop`], home.env);
    await waitUntil("it is deployed", () => running.stderr().includes("shop is running"));
    await Bun.write(`${folder.path}/shop/index.ts`, program("third"));
    await waitUntil("the change has arrived", async () => (await ask()) === '{"answer":"third"}');
    expect(await running.end("SIGINT")).toBe(0);
    await micro("kill", "shop");
    await waitUntil("its end is seen", () => watching.stdout().includes('"deleted"'));
    expect(await micro("env", "set", "local")).toMatchObject({ code: 0 });
  }, 60_000);

  it("says what is wrong in one line", async () => {
    await micro("env", "add", "gone", "127.0.0.1:1");
    await micro("env", "add", "nowhere", "no-such-host.invalid:8081");
    await micro("env", "add", "plain", `https://${far.addresses.proxy}`);
    const failures = [
      ["gone", 4, "Failed to connect to micro server at 127.0.0.1:1"],
      ["nowhere", 4, "Failed to connect to micro server at no-such-host.invalid:8081"],
      ["plain", 4, `does not speak TLS`],
      ["nobody", 1, 'Env "nobody" not found'],
    ] as const;
    for (const [name, code, text] of failures) {
      const failed = await micro("-e", name, "status");
      expect([name, failed.code, failed.stdout, failed.stderr.split("\n").length]).toEqual([name, code, "", 2]);
      expect(failed.stderr).toContain(text);
    }
    const wrong = await micro("-e", "prod", "login", "--username=admin", "--password=wrong");
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
  });
});

describe.skipIf(!hasOpenssl)("a server elsewhere, behind TLS", () => {
  it("is reached when its certificate is trusted, and named when it is not", async () => {
    const [cert, key] = [`${folder.path}/front.pem`, `${folder.path}/front.key`];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const made = await runCommand([
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "2",
      ...subject,
    ]);
    expect(made.code).toBe(0);
    const front = await startFront({ cert: await readFile(cert), key: await readFile(key) }, far.addresses.proxy);
    try {
      await micro("env", "add", "front", `https://localhost:${front.port}`);
      const trusting = { cwd: folder.path, env: { NODE_EXTRA_CA_CERTS: cert } };
      const login = ["-e", "front", "login", "--username=admin", `--password=${secret}`];
      expect(await home.micro(login, trusting)).toMatchObject({ code: 0 });
      expect(await home.micro(["-e", "front", "run", "./shop"], trusting)).toMatchObject({ code: 0 });
      expect((await home.micro(["-e", "front", "logs", "shop"], trusting)).stdout).toContain("serving");
      expect(await home.micro(["-e", "front", "kill", "shop"], trusting)).toMatchObject({ code: 0 });
      const untrusted = await micro("-e", "front", "status");
      expect(untrusted).toMatchObject({ code: 4, stdout: "" });
      expect(untrusted.stderr).toMatch(/^The certificate of localhost:\d+ is not trusted: .*\n$/);
      await micro("env", "add", "half", `http://localhost:${front.port}`);
      expect(await micro("-e", "half", "status")).toMatchObject({
        stdout: "",
        stderr: expect.stringMatching(/^[^\n]+\n$/) as unknown as string,
      });
    } finally {
      await front.stop();
    }
  }, 60_000);
});

/** What stands before a server that speaks no TLS itself: takes it off and passes on the bytes. */
async function startFront(
  files: { readonly cert: Buffer; readonly key: Buffer },
  target: string,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const [host = "", port = ""] = target.split(":");
  const server: Server = createServer(files, (client) => {
    const upstream = connect(Number(port), host);
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}
