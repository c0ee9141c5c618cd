import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { runCommand } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { startGitHttpServer, type GitHttpServer } from "../fixtures/git-http-server.ts";
import { createRepository, type TestRepository } from "./git-repository.ts";
import { createGitWorld } from "./git-world.ts";

/** Private repositories: who may read them is told to git and to nobody else. */
const secret = `token-${crypto.randomUUID()}`;

let folder: TempFolder;
let http: GitHttpServer;
let repository: TestRepository;
/** Where the token was seen in the machine's processes while git worked. */
const seen = new Set<string>();

beforeAll(async () => {
  folder = await createTempFolder();
  repository = await createRepository(`${folder.path}/private/acme`);
  await repository.commit({ "index.ts": service });
  const lookAround = (): undefined => {
    for (const each of processesWith(secret)) seen.add(each);
  };
  http = startGitHttpServer({ folder: folder.path, secret: `git:${secret}`, intercept: lookAround });
});

afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const service = `import { service, z } from "micro-ts";
const secretive = service("secretive");
secretive.endpoint("Secretive.Env", {
  request: z.object({}),
  response: z.object({ env: z.string() }),
  handle: () => ({ env: JSON.stringify(process.env) }),
});
await secretive.run();
`;

/** Arguments and variables of all processes that hold a text; only where the system shows them. */
function processesWith(text: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    return ["cmdline", "environ"]
      .filter((file) => read(`/proc/${pid}/${file}`).includes(text))
      .map((file) => `${pid} ${file}`);
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

describe("a private repository", () => {
  const url = (): string => `http://${http.host}/private/acme/.git`;

  it("opens with the right credential only, and says what is wrong with another", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    expect((await world.refusal(url())).detail).toBe(
      `${url()} is private or does not exist; for a private one: micro user config set git.credentials.${http.host} TOKEN`,
    );
    expect((await world.refusal(url(), { user: "git", password: "wrong-token" })).detail).toBe(
      `${http.host} refuses the credential for ${url()}`,
    );
    const credential = { user: "git", password: secret };
    expect(await world.resolve(url(), credential)).toMatchObject({ ref: "main" });
    expect([...seen]).toEqual([]);
    expect(await filesWith(temp.path, secret)).toEqual([]);
  });

  // Skipped where there is no openssl to make a certificate with.
  it.skipIf(Bun.which("openssl") === null)(
    "opens over https, once the certificate of its server is trusted",
    async () => {
      await using temp = await createTempFolder();
      const [certFile, keyFile] = [`${temp.path}/cert.pem`, `${temp.path}/key.pem`];
      const made = await runCommand(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"].concat([
          "-keyout",
          keyFile,
          "-out",
          certFile,
          "-subj",
          "/CN=localhost",
          "-addext",
          "subjectAltName=IP:127.0.0.1",
        ]),
      );
      expect(made.code).toBe(0);
      const tls = { cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
      await using https = startGitHttpServer({ folder: folder.path, secret: `git:${secret}`, tls });
      const source = `https://${https.host}/private/acme/.git`;
      const credential = { user: "git", password: secret };
      await using suspicious = createGitWorld(`${temp.path}/suspicious`);
      expect(await suspicious.refusal(source, credential)).toMatchObject({
        code: "failed_precondition",
        detail: `the certificate of ${https.host} is not trusted by the server`,
      });
      expect(https.requests).toEqual([]);
      const serverEnv = { ...process.env, GIT_SSL_CAINFO: certFile };
      await using trusting = createGitWorld(`${temp.path}/trusting`, { serverEnv });
      expect(await trusting.resolve(source, credential)).toMatchObject({ ref: "main" });
    },
  );

  it("does not show its credential to a host that it is sent on to", async () => {
    await using temp = await createTempFolder();
    await using world = createGitWorld(temp.path);
    await using elsewhere = startGitHttpServer({
      folder: "",
      intercept: () => new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }),
    });
    await using here = startGitHttpServer({
      folder: "",
      intercept: (path) => Response.redirect(`http://${elsewhere.host}${path}?service=git-upload-pack`),
    });
    await world.refusal(`http://${here.host}/a/b.git`, { user: "git", password: secret });
    expect(elsewhere.requests.length).toBeGreaterThan(0);
    expect(elsewhere.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });
});

describe("micro user config set git.credentials.HOST", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(() => server[Symbol.asyncDispose]());

  it("opens private repositories, then and for later updates, and is shown nowhere", async () => {
    const source = `http://${http.host}/private/acme/.git`;
    const refused = await server.micro(["run", source, "--name", "secretive"]);
    expect(refused.stderr).toContain("is private or does not exist");
    const key = `git.credentials.${http.host}`;
    await server.micro(["user", "config", "set", key, "-"], { stdin: `${secret}\n` });
    expect((await server.micro(["user", "config", "get", key])).stdout).toBe("[hidden]\n");
    expect((await server.micro(["user", "config"])).stdout).toContain("git.credentials: [hidden]");
    expect(await server.micro(["run", source, "--name", "secretive"])).toMatchObject({ code: 0 });
    await server.micro(["user", "config", "delete", key]);

    // The server has it now: an update needs it no more, also with another key and after a restart.
    await repository.commit({ "more.ts": "" });
    expect(await server.micro(["update", source, "--name", "secretive"])).toMatchObject({ code: 0 });
    expect(await server.micro(["config", "rotate-key"])).toMatchObject({ code: 0 });
    expect((await readFile(`${server.home}/config_secret_key`, "utf8")).trim().split("\n")).toHaveLength(1);
    await server.kill("SIGTERM");
    await server.start();
    await repository.commit({ "more.ts": "more" });
    expect(await server.micro(["update", source, "--name", "secretive"])).toMatchObject({ code: 0 });

    const shown = [
      await server.micro(["status", "secretive", "-o", "json"]),
      await server.micro(["logs", "secretive"]),
      await server.micro(["secretive", "env"]),
      await server.micro(["call", "runtime", "Runtime.Read", "{}"]),
      await server.micro(["store", "read", "--prefix", "", "-d", "micro", "-t", "runtime"]),
      await server.micro(["events", "read", "runtime"]),
      await server.micro(["auth", "audit"]),
    ];
    expect(shown.map(({ stdout, stderr }) => stdout + stderr).join("")).not.toContain(secret);
    expect(server.output()).not.toContain(secret);
    expect([...seen]).toEqual([]);
    expect(await filesWith(server.home, secret)).toEqual([]);
  });

  it("is used for the host that it was given for, and forgotten with the service", async () => {
    await using other = startGitHttpServer({ folder: folder.path, secret: `git:${secret}` });
    const moved = `http://${other.host}/private/acme/.git`;
    const update = await server.micro(["update", moved, "--name", "secretive"]);
    expect(update.stderr).toContain("is private or does not exist");
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true);

    expect(await server.micro(["kill", "secretive"])).toMatchObject({ code: 0 });
    const again = await server.micro(["run", `http://${http.host}/private/acme/.git`, "--name", "secretive"]);
    expect(again.stderr).toContain("is private or does not exist");
  });

  it("is refused where it could be read on its way, or is none", async () => {
    const run = async (host: string, token: string): Promise<string> => {
      const request = {
        resource: { service: { name: "x", source: `http://${host}/a/b.git` } },
        options: { secrets: { GIT_CREDENTIALS: token } },
      };
      const { stderr } = await server.micro(["call", "runtime", "Runtime.Create", JSON.stringify(request)]);
      return stderr;
    };
    expect(await run("git.example.com", secret)).toContain("a credential is not sent over http");
    expect(await run(http.host, `${secret}\nhost=evil`)).toContain("is no token");
  });
});

/** Files below a folder that hold a text. */
async function filesWith(root: string, text: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((each) => each.isFile()).map((each) => `${each.parentPath}/${each.name}`);
  return paths.filter((path) => read(path).includes(text));
}
