import { CommandError } from "#cli/command-error.ts";
import type { Command, Invocation } from "#cli/command.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { createLogPrinter } from "#cli/output/log-printer.ts";
import { describeTerminal } from "#cli/output/terminal.ts";
import { printBuildLog } from "#cli/print-build-log.ts";
import { readDeployed } from "#cli/runtime-status.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { parseServiceReference } from "#cli/service-name.ts";
import { oneMessage } from "#cli/standard-input.ts";

/** `micro logs NAME…`: the lines that services wrote, oldest first. */
export const command: Command = {
  kind: "command",
  summary: "Show the output of services, and the log of the server",
  usage: "[NAME[@VERSION]…]",
  details:
    "Several services are mixed by time, each line with its name in front; without a name it is all that are deployed.\n" +
    "auth, broker, config, events, gateway, proxy, registry, runtime and store are parts of the server, and server is all of\n" +
    "them: what they log is for administrators of the installation.",
  flags: [
    { name: "follow", short: "f", kind: "bool", help: "stay, and show what comes" },
    { name: "lines", short: "n", kind: "string", placeholder: "N", help: "only the last N lines" },
    { name: "since", kind: "string", placeholder: "10m", help: "only what was written in this time" },
    { name: "grep", short: "g", kind: "string", placeholder: "TEXT", help: "only lines that hold this text" },
    {
      name: "instance",
      kind: "string",
      placeholder: "ID",
      help: "only this process; the beginning of its id is enough",
    },
    { name: "version", kind: "string", placeholder: "VERSION", help: "only this version" },
    { name: "build", kind: "bool", help: "what the last build of a service said" },
  ],
  run: (invocation) =>
    untilInterrupted(async (signal) => {
      if (invocation.flags.isOn("build")) return printBuildLog(invocation);
      const { session, words, flags, isJson } = invocation;
      const names = words.length === 0 ? await listNames(invocation) : words.map(nameOf);
      const [service, ...services] = names;
      if (service === undefined) throw new CommandError('Nothing is deployed: "micro run FOLDER" starts a service');
      const sinceMs = flags.durationMs("since");
      const request = {
        service,
        version: flags.text("version") ?? versionOf(words),
        stream: flags.isOn("follow"),
        count: flags.count("lines") ?? 0,
        since: sinceMs === undefined ? 0 : Math.floor((Date.now() - sinceMs) / 1_000),
        options: { namespace: session.namespace },
        ...(services.length === 0 ? {} : { services }),
        ...(flags.has("grep") ? { grep: flags.text("grep") } : {}),
        ...(flags.has("instance") ? { instance: flags.text("instance") } : {}),
      };
      const terminal = describeTerminal(process.env);
      const print = createLogPrinter({ ...terminal, isJson, names: words.length === 1 ? [] : names });
      const target = { service: "runtime", endpoint: "Runtime.Logs" };
      const records = session.stream(target, oneMessage(JSON.stringify(request)), { signal });
      for await (const record of records) print(fieldsOf(record));
    }),
};

async function listNames({ session }: Invocation): Promise<readonly string[]> {
  const deployed = await readDeployed(session, {});
  return [...new Set(deployed.map(({ name }) => name))];
}

function nameOf(word: string): string {
  return parseServiceReference(word).name;
}

/** @throws CommandError for a version of one service among several. */
function versionOf(words: readonly string[]): string {
  const [version = ""] = words.map((word) => parseServiceReference(word).version).filter((each) => each !== "");
  if (version === "" || words.length === 1) return version;
  throw new CommandError("Several services have no version in common: name one service, or use --version");
}
