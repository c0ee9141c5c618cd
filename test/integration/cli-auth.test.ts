import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import type { CommandResult } from "#testing/run-command.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** `micro auth …` against a real server. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server[Symbol.asyncDispose]());

function micro(...args: string[]): Promise<CommandResult> {
  return server.micro(["auth", ...args]);
}

async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await micro(...args, "--output", "json");
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return JSON.parse(stdout) as unknown;
}

const silent = { code: 0, stdout: "", stderr: "" };

describe("micro auth create, list, update and delete account", () => {
  it("make an account, whose secret is shown once, with flags anywhere", async () => {
    const made = await micro("create", "account", "ann", "--scopes", "reader,writer");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toStartWith("Account created: {");
    const { secret } = JSON.parse(made.stdout.slice("Account created: ".length)) as { secret: string };
    expect(secret.length).toBeGreaterThan(20);
    expect(await json("create", "account", "--type=service", "bob", "--secret=a-secret-of-bobs")).toMatchObject({
      id: "bob",
      type: "service",
      secret: "a-secret-of-bobs",
    });
    const { stdout } = await micro("list", "accounts");
    expect(stdout).toMatch(/^ID +Name +Scopes +Metadata\n/);
    expect(stdout).toMatch(/^ann +ann +reader, writer +created=\d+$/m);
    expect(stdout).toMatch(/^bob +bob +n\/a +created=\d+$/m);
    const all = (await json("list", "accounts")) as readonly { id: string }[];
    expect(all.map(({ id }) => id)).toEqual(["admin", "ann", "bob", "local-latest"]);
    expect(JSON.stringify(all)).not.toContain("secret");
    expect(await micro("create", "account", "ann")).toEqual({
      code: 127,
      stdout: "",
      stderr: "Account with this ID already exists\n",
    });
  });

  it("give it another secret, which buys tokens, and take them back", async () => {
    expect(await micro("update", "secret", "ann", "--new_secret=one-two-three")).toMatchObject({
      code: 0,
      stdout: "Account updated\n",
    });
    const piped = await server.micro(["auth", "update", "secret", "ann"], { stdin: "four-five-six\n" });
    expect(piped).toMatchObject({ code: 0, stdout: "Account updated\n" });
    const token = await json("create", "token", "--id=ann", "--secret=four-five-six", "--expiry=60");
    const { access_token: access, expiry, created } = token as Readonly<Record<string, string>>;
    expect(Number(expiry) - Number(created)).toBe(60);
    const inspect = (): Promise<CommandResult> =>
      server.micro(["call", "auth", "Auth.Inspect", JSON.stringify({ token: access })]);
    expect(await inspect()).toMatchObject({ code: 0 });
    expect(await micro("revoke", "ann")).toEqual(silent);
    expect(await inspect()).toMatchObject({ code: 127, stderr: "invalid token provided\n" });
    expect((await micro("create", "token", "--id=ann", "--secret=four-five-six")).stdout).toStartWith(
      "Token created: {",
    );
    expect(await micro("create", "token")).toMatchObject({ code: 1, stderr: "Missing account ID: --id=ID\n" });
    expect(await micro("delete", "account", "bob")).toEqual(silent);
    const gone = { code: 127, stdout: "", stderr: "there is no account bob in namespace micro\n" };
    expect(await micro("delete", "account", "bob")).toEqual(gone);
    expect(await micro("revoke", "bob")).toEqual(gone);
  });

  it("refuse what is missing with one line and no JSON", async () => {
    for (const [words, code, text] of [
      [["create", "account"], 1, "Missing argument; usage: micro auth create account ID"],
      [
        ["create", "account", "a", "b"],
        1,
        'Too many arguments: "b" is not expected; usage: micro auth create account ID',
      ],
      [
        ["list", "nothing"],
        3,
        "Unrecognized subcommand for micro auth list: nothing. Please refer to 'micro auth list --help'",
      ],
      [["nothing"], 1, "Unrecognized subcommand for micro auth: nothing. Please refer to 'micro auth --help'"],
    ] as const) {
      expect(await micro(...words)).toEqual({ code, stdout: "", stderr: `${text}\n` });
    }
  });
});

describe("micro auth create, list, why and delete rule", () => {
  it("make a rule that decides, say why, and remove it", async () => {
    const target = "service:shop:Shop.Buy";
    expect((await micro("why", "-", target)).stdout).toMatch(/^Access +GRANTED\nRule +default\n/);
    const deny = ["create", "rule", "closed", "--resource=service:shop:*", "--access=denied", "--priority", "7"];
    expect(await micro(...deny)).toEqual({ code: 0, stdout: "Rule created\n", stderr: "" });
    expect(await micro(...deny)).toMatchObject({ code: 127, stderr: "A rule with this ID already exists\n" });
    expect((await micro("list", "rules")).stdout).toMatch(
      /^ID +Scope +Access +Resource +Priority\nclosed +<public> +DENIED +service:shop:\* +7\ndefault +<public> +GRANTED +\*:\*:\* +0\n$/,
    );
    expect(await json("why", "ann", target)).toMatchObject({
      granted: false,
      rule: { id: "closed", priority: 7 },
      reason:
        "account ann of micro may not use service shop, endpoint Shop.Buy, in namespace micro: rule closed denies it to everybody, with priority 7",
    });
    expect(await micro("delete", "rule", "closed")).toEqual({ code: 0, stdout: "Rule deleted\n", stderr: "" });
    expect(await micro("delete", "rule", "closed")).toMatchObject({ code: 0, stdout: "Rule deleted\n" });
    expect((await micro("delete", "rule", "closed", "-v")).stdout).toBe("There was no rule closed\n");
    expect(await json("why", "ann", "stream:orders:consume")).toMatchObject({ granted: false, rule: null });
    expect((await micro("why", "ann", "stream:orders:consume")).stdout).toMatch(/^Access +DENIED\nRule +no rule\n/);
  });

  it("refuse a resource, an access and a priority of another form", async () => {
    const create = ["create", "rule", "x"];
    for (const [flags, text] of [
      [[], "Invalid resource, must be in the format type:name:endpoint"],
      [["--resource=service:a"], "Invalid resource, must be in the format type:name:endpoint"],
      [["--resource=a:b:c", "--access=maybe"], "Invalid access: maybe, must be granted or denied"],
      [["--resource=a:b:c", "--priority=high"], "Invalid priority: high, must be a whole number"],
    ] as const) {
      expect(await micro(...create, ...flags)).toEqual({ code: 1, stdout: "", stderr: `${text}\n` });
    }
    expect(await micro(...create, "--resource=a:b:c", "--priority=-3")).toMatchObject({ code: 0 });
    expect(await micro("delete", "rule", "x")).toMatchObject({ code: 0 });
  });
});

describe("micro auth audit", () => {
  it("shows what was done, oldest first, and what was refused", async () => {
    await micro("create", "account", "eve", "--secret=a-secret-of-eves");
    await micro("create", "token", "--id=eve", "--secret=wrong-one");
    const entries = (await json("audit", "--account=eve", "--since=1h")) as readonly { action: string }[];
    expect(entries.map(({ action }) => action)).toEqual(["account created", "login failed"]);
    const { stdout } = await micro("audit", "-n", "1", "--account=eve");
    expect(stdout).toMatch(
      /^Time +Action +Account +Subject +From +Times +Detail\n\S+Z +login failed +n\/a +eve +127\.0\.0\.1 +1 +Secret/,
    );
  });
});

describe("micro auth reset", () => {
  it("refuses while the server runs, and where there is none", async () => {
    const refused = await micro("reset");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^a micro server is running on \S+: stop it, then reset\n$/);
    await using folder = await createTempFolder();
    const nowhere = await server.micro(["auth", "reset"], { env: { MICRO_HOME: folder.path } });
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toInclude("is no home of a server");
  });

  it("lets an administrator in whom rules locked out, with a new secret, and says so in the audit log", async () => {
    await using locked = await startServer();
    const run = (...args: string[]): Promise<CommandResult> => locked.micro(args);
    const resetAndLogIn = async (): Promise<unknown> => {
      expect((await run("auth", "list", "rules")).code).not.toBe(0);
      await locked.kill("SIGTERM");
      const { stdout, stderr } = await run("auth", "reset", "--output", "json");
      expect(stderr).toBe("");
      const { id, secret, rules } = JSON.parse(stdout) as { id: string; secret: string; rules: unknown };
      await locked.start();
      await run("logout");
      expect(await run("login", `--username=${id}`, `--password=${secret}`)).toMatchObject({ code: 0 });
      const audit = await run("auth", "audit");
      expect(audit.stdout).toMatch(/administrator reset +micro\/server +admin/);
      expect(audit.stdout).not.toContain(secret);
      return rules;
    };
    expect(await run("auth", "delete", "rule", "default")).toMatchObject({ code: 0 });
    expect(await resetAndLogIn()).toEqual({ created: ["reset-login", "reset-inspect", "reset-admin"], deleted: [] });
    const deny = [
      "auth",
      "create",
      "rule",
      "--access=denied",
      "--priority=2147483647",
      "--resource=service:auth:*",
      "a",
    ];
    expect(await run(...deny)).toMatchObject({ code: 0 });
    expect(await resetAndLogIn()).toEqual({ created: ["reset-login"], deleted: ["a"] });
  });

  it("makes an administrator where there is none any more", async () => {
    await using lone = await startServer();
    await lone.micro(["auth", "create", "account", "boss", "--scopes=admin", "--secret=a-secret-of-the-boss"]);
    await lone.micro(["login", "--username=boss", "--password=a-secret-of-the-boss"]);
    expect(await lone.micro(["auth", "delete", "account", "admin"])).toMatchObject({ code: 0 });
    await lone.kill("SIGTERM");
    const { stdout } = await lone.micro(["auth", "reset"]);
    const secret = /^Administrator admin, secret (\S+)\n$/.exec(stdout)?.[1] ?? "";
    await lone.start();
    expect(await lone.micro(["login", "--username=admin", `--password=${secret}`])).toMatchObject({ code: 0 });
  });
});
