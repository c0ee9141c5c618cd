import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { lstat, readdir, readFile } from "node:fs/promises";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";
import { post } from "./raw-call.ts";
import { roughService } from "./rough-service.ts";
import { Caller, createAccount, testSecret } from "./safety-world.ts";

/** Where secrets must not turn up: logs, lists, the environment of services, files that others can read. */
let server: TestServer;
let folder: TempFolder;
let secrets: readonly string[];
let credential: string;
let environment: ReadonlyMap<string, string>;

const serverSecrets = { MICRO_CONFIG_SECRET_KEY: "key-of-the-config-5512", DATABASE_URL: "db-of-the-server-9931" };
const userSecret = "password-of-the-user-3380";

beforeAll(async () => {
  [server, folder] = await Promise.all([
    startServer({ env: serverSecrets, args: ["--log-level=trace"] }),
    createTempFolder(),
  ]);
  await Bun.write(`${folder.path}/rough/index.ts`, roughService);
  const run = ["run", `${folder.path}/rough`, "--env-vars", `PASSWORD=${userSecret}`];
  expect(await server.micro(run)).toMatchObject({ code: 0 });
  const pid = /pid (\d+)/.exec((await server.micro(["logs", "rough"])).stdout)?.[1] ?? "";
  environment = new Map(
    (await readFile(`/proc/${pid}/environ`, "utf8"))
      .split("\0")
      .filter((each) => each !== "")
      .map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)] as const),
  );
  credential = environment.get("MICRO_CLIENT_SECRET") ?? "";
  const administrator = /secret +(\S+)/.exec(server.output())?.[1] ?? "";
  const jane = await createAccount(server, { id: "jane", namespace: "micro", scopes: ["admin"] });
  const wrong = "a-wrong-secret-1177";
  await new Caller(server).call("auth", "Auth.Token", { id: "jane", secret: wrong });
  await new Caller(server, `${jane.access}x`).call("auth", "Accounts.List", {});
  await post(
    `http://${server.addresses.gateway}/rough/Echo`,
    { text: "hello" },
    { authorization: `Bearer ${jane.access}` },
  );
  const tokens = [await server.token(), jane.access, jane.refresh];
  secrets = [administrator, testSecret, wrong, credential, userSecret, ...tokens, ...Object.values(serverSecrets)];
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function expectNoSecret(where: string, text: string, known: readonly string[] = secrets): void {
  for (const secret of known) {
    expect(secret.length).toBeGreaterThan(8);
    expect({ where, secret, isShown: text.includes(secret) }).toEqual({ where, secret, isShown: false });
  }
}

describe("a secret", () => {
  it("is in no log", async () => {
    // The first line that the server prints is the one place where the administrator's secret is to be seen.
    const log = server.output().split(/^ready$/m)[1] ?? "";
    expect(log).toContain("token refused");
    expectNoSecret("log of the server", log);
    expectNoSecret("log of the service", (await server.micro(["logs", "rough"])).stdout);
  });

  it("is in no list", async () => {
    for (const args of [
      ["status"],
      ["status", "-o", "json"],
      ["describe", "rough"],
      ["services", "-o", "json"],
      ["user"],
    ]) {
      const { code, stdout, stderr } = await server.micro(args);
      expect({ args, code }).toEqual({ args, code: 0 });
      expectNoSecret(args.join(" "), stdout + stderr);
    }
    const admin = new Caller(server, await server.token());
    const accounts = JSON.stringify(await admin.get("auth", "Accounts.List", {}));
    expectNoSecret("accounts", accounts);
    expect(accounts).not.toContain("$argon2");
    expectNoSecret("runtime", JSON.stringify(await admin.get("runtime", "Runtime.Read", {})));
  });

  it("of the server is not given to a service, which gets its own alone", async () => {
    const own = new Set([userSecret, credential]);
    const text = [...environment].map((each) => each.join("=")).join("\n");
    expectNoSecret(
      "environment",
      text,
      secrets.filter((each) => !own.has(each)),
    );
    const names = [...environment.keys()].filter((each) => each.startsWith("MICRO_"));
    expect(names.toSorted()).toEqual([
      "MICRO_CLIENT_ID",
      "MICRO_CLIENT_SECRET",
      "MICRO_NAMESPACE",
      "MICRO_PUBLIC_KEY",
      "MICRO_SERVICE_ADDRESS",
      "MICRO_SERVICE_INSTANCE",
      "MICRO_SERVICE_NAME",
      "MICRO_SERVICE_NETWORK",
      "MICRO_SERVICE_PROFILE",
      "MICRO_SERVICE_VERSION",
    ]);
    expect(environment.get("HOME")).not.toBe(server.env["HOME"]);
  });

  it("lies in no file that others can read", async () => {
    const open: string[] = [];
    // Modules are a link to the framework, which is no secret and has the modes of its checkout.
    const all = (await readdir(server.home, { recursive: true })).filter((each) => !each.includes("node_modules/"));
    for (const path of ["", ...all]) {
      const found = await lstat(`${server.home}/${path}`);
      if (!found.isSymbolicLink() && (found.mode & 0o077) !== 0) open.push(path);
    }
    expect(open).toEqual([]);
  });
});
