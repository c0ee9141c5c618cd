import { describe, expect, it } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import { baseEnvironment, runCommand, type CommandResult } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

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
  await say(`case "$*" in *is-system-running) echo ${state};; esac`);
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
    expect(done.stderr).toContain(`${machine.unit} is written, and the server is started\n`);
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
