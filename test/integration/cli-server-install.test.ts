import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/**
 * No systemd runs where these tests do: a program of its name on the PATH writes down what it is asked. What systemd makes of the
 * unit itself is asked of `systemd-analyze` beside its source.
 */
interface Machine extends AsyncDisposable {
  readonly unit: string;
  micro(...args: string[]): Promise<CommandResult>;
  asked(): Promise<string[]>;
  say(script: string): Promise<void>;
}

async function createMachine(state: string): Promise<Machine> {
  const folder = await createTempFolder();
  const [bin, log] = [`${folder.path}/bin`, `${folder.path}/asked`];
  const env = { ...baseEnvironment(), HOME: folder.path, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const say = async (script: string): Promise<void> => {
    await Bun.write(`${bin}/systemctl`, `#!/bin/sh\necho "$@" >> ${log}\n${script}\n`);
    await chmod(`${bin}/systemctl`, 0o755);
  };
  // A server that is started says so in its home.
  const file = {
    pid: 1,
    version: "0",
    startedAtMs: 9e15,
    gateway: "127.0.0.1:9090",
    proxy: "",
    network: "",
    publicKey: "",
  };
  const started = `mkdir -p "$HOME/.micro" && echo '${JSON.stringify(file)}' > "$HOME/.micro/server.json"`;
  await say(`case "$*" in *is-system-running) echo ${state};; *start*) ${started};; esac`);
  return {
    unit: `${folder.path}/.config/systemd/user/micro.service`,
    micro: (...args) => runCommand([...microCommand, ...args], { env }),
    asked: async () => (await readFile(log, "utf8")).trimEnd().split("\n"),
    say,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("micro server install and uninstall", () => {
  it("write a unit, enable and start it, and undo that", async () => {
    await using machine = await createMachine("running");
    const done = await machine.micro(
      "server",
      "install",
      "--user",
      "--gateway-address=127.0.0.1:9090",
      "--tls-cert",
      "c.pem",
    );
    expect(done).toMatchObject({ code: 0, stdout: "" });
    expect(done.stderr).toContain(`${machine.unit} is written, and the server runs: gateway 127.0.0.1:9090\n`);
    const text = await readFile(machine.unit, "utf8");
    const folder = process.cwd();
    expect(text).toContain(`server --keep-services --gateway-address=127.0.0.1:9090 --tls-cert=${folder}/c.pem\n`);
    expect(text).toMatch(/^Environment=MICRO_HOME=.*\/\.micro$/m);
    expect(await machine.asked()).toEqual(
      ["is-system-running", "daemon-reload", "enable micro.service", "start micro.service"].map(
        (each) => `--user ${each}`,
      ),
    );
    const again = await machine.micro("server", "install", "--user");
    expect(again.stderr).toContain("is replaced");
    expect((await machine.asked()).at(-1)).toBe("--user restart micro.service");
    await machine.say(
      `case "$*" in *is-system-running) echo running;; *stop*) grep KillMode "$HOME"/.config/systemd/user/micro.service > "$HOME/kill-mode";; esac`,
    );
    expect(await machine.micro("server", "uninstall", "--user")).toMatchObject({ code: 0, stdout: "" });
    expect(existsSync(machine.unit)).toBe(false);
    // The services, which are left alone when the server is replaced, are ended with it.
    expect(await readFile(machine.unit.replace(".config/systemd/user/micro.service", "kill-mode"), "utf8")).toBe(
      "KillMode=control-group\n",
    );
    expect((await machine.asked()).slice(-4)).toEqual([
      "--user disable micro.service",
      "--user daemon-reload",
      "--user stop micro.service",
      "--user daemon-reload",
    ]);
    expect(await machine.micro("server", "uninstall", "--user")).toMatchObject({ code: 1, stdout: "" });
  });

  it("show the unit of the machine without a change", async () => {
    await using machine = await createMachine("running");
    const shown = await machine.micro(
      "server",
      "install",
      "--print",
      "--run-as=nobody",
      "--home=/srv/micro",
      "--gateway-address=0.0.0.0:443",
    );
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^User=nobody$/m);
    expect(shown.stdout).toMatch(/^Environment=MICRO_HOME=\/srv\/micro$/m);
    expect(shown.stdout).toMatch(/^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
    expect(shown.stdout).toMatch(/^KillMode=process$/m);
    expect(existsSync(machine.unit)).toBe(false);
  });

  it("say in one line what is missing", async () => {
    await using machine = await createMachine("offline");
    const failures: readonly (readonly [readonly string[], string])[] = [
      [["install", "--user"], "systemd does not run here"],
      [["install"], "Say who the server runs as"],
      [["install", "--run-as=no-such-user"], "There is no user no-such-user"],
      [["install", "--user", "--run-as=root"], "leave --run-as out"],
      [["uninstall", "--user"], "nothing was installed"],
    ];
    for (const [args, text] of failures) {
      const { code, stdout, stderr } = await machine.micro("server", ...args);
      expect([args, code, stdout, stderr.split("\n").length]).toEqual([args, 1, "", 2]);
      expect(stderr).toContain(text);
    }
    expect(existsSync(machine.unit)).toBe(false);
  });

  it("leave a unit of somebody else, and say what systemd refuses", async () => {
    await using machine = await createMachine("running");
    await Bun.write(machine.unit, "[Unit]\n");
    const refused = await machine.micro("server", "install", "--user");
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("move it away first") as unknown as string,
    });
    expect(await readFile(machine.unit, "utf8")).toBe("[Unit]\n");
    await using other = await createMachine("running");
    await other.say('case "$*" in *is-system-running) echo degraded;; *enable*) echo "no rights" >&2; exit 4;; esac');
    expect(await other.micro("server", "install", "--user")).toMatchObject({
      code: 1,
      stderr: "systemctl --user enable micro.service failed: no rights\n",
    });
  });
});

describe("the unit of micro server install", () => {
  it("starts a server that leaves its services running when it alone is ended, for the next one", async () => {
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/one/index.ts`, 'import { service } from "micro-ts"; await service("one").run();');
    const env = { ...baseEnvironment(), HOME: folder.path };
    const addresses = ["gateway", "proxy", "network", "registry", "broker"].map((name) => `--${name}-address=0`);
    const fixed = addresses.map((each) => each.replace("network-address=0", `network-address=${freePort()}`));
    const shown = await runCommand([...microCommand, "server", "install", "--user", "--print", ...fixed], { env });
    const { command, environment } = readUnit(shown.stdout);
    const micro = (...args: string[]) => runCommand([...microCommand, ...args], { env });
    const pidOfOne = async (): Promise<number> => {
      const [one] = JSON.parse((await micro("status", "one", "-o", "json")).stdout) as {
        status: string;
        instances: { pid: number }[];
      }[];
      return one?.status === "running" ? (one.instances[0]?.pid ?? 0) : 0;
    };
    // As systemd does: the command with this environment and no other, and one signal to one process.
    const start = async () => {
      const child = Bun.spawn(command, { env: environment, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) if (/^ready$/m.test(text)) break;
      return child;
    };
    const first = await start();
    expect(await micro("run", `${folder.path}/one`)).toMatchObject({ code: 0 });
    const pid = await pidOfOne();
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const second = await start();
    expect(await waitUntil("the service is taken over", async () => (await pidOfOne()) || undefined)).toBe(pid);
    expect(await micro("kill", "one")).toMatchObject({ code: 0 });
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
  }, 60_000);
});

/** What a unit of plain words says. */
function readUnit(text: string): { command: string[]; environment: Record<string, string> } {
  const valuesOf = (key: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${key}=`))
      .map((line) => line.slice(key.length + 1).replace(/^"(.*)"$/, "$1"));
  const environment = valuesOf("Environment").map((each) => [
    each.slice(0, each.indexOf("=")),
    each.slice(each.indexOf("=") + 1),
  ]);
  return {
    command: valuesOf("ExecStart")[0]?.split(" ") ?? [],
    environment: Object.fromEntries(environment) as Record<string, string>,
  };
}

/** Services are only taken over by a server whose network is where they know it. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port = 0 } = server;
  void server.stop(true);
  return port;
}
