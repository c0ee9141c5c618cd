import { resolve } from "node:path";
import { resolveHome } from "#base/home.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { FlagValues } from "#cli/arguments/flag-values.ts";
import { printLine, printNote } from "#cli/output/print.ts";
import { awaitServer } from "#cli/systemd/await-server.ts";
import { resolveRunAs, type RunAs } from "#cli/systemd/run-as.ts";
import { Systemctl } from "#cli/systemd/systemctl.ts";
import { formatUnit, type ServerUnit } from "#cli/systemd/unit-file.ts";
import { requireOurs, unitName, unitPath, writeUnit } from "#cli/systemd/unit-path.ts";
import { run as server } from "./run.ts";

/** Flags whose values are files: systemd starts the server in another folder. */
const fileFlags: ReadonlySet<string> = new Set(["tls-cert", "tls-key"]);
/** Always on: a unit whose services ended with the server could not be upgraded without a break. */
const keepFlag = "keep-services";

/** `micro server install`: a systemd unit that runs the server, now and at every start of the machine. */
export const install: Command = {
  kind: "command",
  summary: "Run the server with systemd, now and after every start of the machine",
  usage: "",
  details:
    "Takes the flags of micro server, which the unit starts with --keep-services: services go on while the server is restarted\n" +
    "or replaced. Needs root (sudo), and runs as who called sudo, in that user's MICRO_HOME; --user makes a unit of your own.\n" +
    "An install over another one replaces it.",
  flags: [
    ...server.flags.filter(({ name }) => name !== keepFlag),
    { name: "user", kind: "bool", help: "a unit of the current user, without root" },
    { name: "run-as", kind: "string", placeholder: "USER", help: "who the server runs as, default who called sudo" },
    {
      name: "home",
      kind: "string",
      placeholder: "FOLDER",
      help: "MICRO_HOME of the server, default .micro of that user",
    },
    { name: "print", kind: "bool", help: "show the unit, and change nothing" },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ flags }) => {
    const isUser = flags.isOn("user");
    if (isUser && flags.has("run-as")) throw new CommandError("--user runs as you: leave --run-as out");
    const owner = isUser ? undefined : await resolveRunAs(flags.text("run-as"), process.env["SUDO_USER"]);
    const home = resolve(flags.text("home") ?? defaultHome(owner));
    const unit = formatUnit(describeUnit(flags, { owner, home }));
    if (flags.isOn("print")) return printLine(unit.trimEnd());
    const systemctl = new Systemctl(isUser);
    await systemctl.requireRunning();
    const path = unitPath(isUser, process.env);
    const isReplaced = (await requireOurs(path)) !== undefined;
    await writeUnit(path, unit);
    await systemctl.run("daemon-reload");
    await systemctl.run("enable", unitName);
    const sinceMs = Date.now();
    await systemctl.run(isReplaced ? "restart" : "start", unitName);
    const journal = `journalctl ${isUser ? "--user " : ""}-u micro`;
    const started = await awaitServer(home, sinceMs);
    if (started === undefined)
      throw new CommandError(`${path} is written, but the server does not start: see "${journal}"`);
    printNote(`${path} is ${isReplaced ? "replaced" : "written"}, and the server runs: gateway ${started.gateway}`);
    printNote(`its log: ${journal} -f${isUser ? '; "loginctl enable-linger" keeps it running when you log out' : ""}`);
  },
};

function defaultHome(owner: RunAs | undefined): string {
  return owner === undefined ? resolveHome(process.env).home : `${owner.home}/.micro`;
}

/** @param owner who runs it, in a unit of the machine. */
function describeUnit(
  flags: FlagValues,
  { owner, home }: { readonly owner: RunAs | undefined; readonly home: string },
): ServerUnit {
  const given = server.flags
    .filter(({ name }) => name !== keepFlag && flags.has(name))
    .map(({ name }) => [name, flags.text(name) ?? String(flags.isOn(name))] as const);
  const words = given.map(([name, value]) => `--${name}=${fileFlags.has(name) ? resolve(value) : value}`);
  const ports = given.map(([, value]) => Number(/(?:^|:)(\d{1,5})$/.exec(value)?.[1]));
  return {
    command: [...microCommand(), "server", `--${keepFlag}`, ...words],
    // Services get their PATH from the server, and that of systemd lacks what users have installed.
    environment: { MICRO_HOME: home, PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" },
    ...(owner === undefined ? {} : { user: owner.user }),
    takesLowPorts: owner !== undefined && owner.user !== "root" && ports.some((port) => port > 0 && port < 1_024),
  };
}

/** How this command line was started: the single executable, or Bun with the file of a checkout. */
function microCommand(): readonly string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}
