import { describe, expect, it } from "bun:test";
import { microCommand, startServer } from "#testing/start-server.ts";
import { runCommand } from "#testing/run-command.ts";

const open = ["--gateway-address=0.0.0.0:0"];

describe("a server that lets other machines in", () => {
  it("does not start while the administrator has the secret that was generated", async () => {
    await using server = await startServer();
    const secret = /administrator +admin +secret +(\S+)/.exec(server.output())?.[1] ?? "";
    await server.kill("SIGTERM");
    const start = () =>
      runCommand([...microCommand, "server", ...ports, ...open], { env: server.env, timeoutMs: 20_000 });
    const refused = await start();
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr.trimEnd().split("\n").at(-1)).toStartWith(
      "--gateway-address 0.0.0.0:0 lets other machines in, ",
    );
    await server.start();
    const changed = await server.micro([
      "user",
      "set",
      "password",
      `--old-password=${secret}`,
      "--new-password=my own words",
    ]);
    expect(changed).toMatchObject({ code: 0 });
    await server.kill("SIGTERM");
    await using opened = await startServer({ args: open, env: { MICRO_HOME: server.home } });
    expect(opened.addresses.gateway).toStartWith("0.0.0.0:");
    await opened.kill("SIGTERM");
    await server.start();
  }, 60_000);

  it("starts with a secret that was said, and does not print it", async () => {
    await using server = await startServer({ args: open, env: { MICRO_ADMIN_SECRET: "my own words" } });
    expect(server.output()).toContain("administrator  admin  with the secret of MICRO_ADMIN_SECRET\n");
    expect(server.output()).not.toContain("my own words");
    expect(await server.micro(["login", "--username=admin", "--password=my own words"])).toMatchObject({ code: 0 });
  });

  it("prints no secret where the journal of systemd takes it", async () => {
    const script = 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1) exec "$@"';
    await using server = await startServer({ command: ["sh", "-c", script, "sh", ...microCommand] });
    expect(server.output()).toContain(
      'its secret is not shown here: give it one with "micro auth update secret admin"',
    );
    expect(await server.micro(["auth", "update", "secret", "admin", "--new-secret=my own words"])).toMatchObject({
      code: 0,
    });
    expect(await server.micro(["login", "--username=admin", "--password=my own words"])).toMatchObject({ code: 0 });
  });
});

const ports = ["proxy", "network", "registry", "broker"].map((name) => `--${name}-address=0`);
