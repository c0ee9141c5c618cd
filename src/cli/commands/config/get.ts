import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { printLine } from "#cli/output/print.ts";
import { formatValue, notFound, refuseMissing, valueIn } from "./config-value.ts";
import { showSecretFlag } from "./secret-flag.ts";

/** `micro config get KEY`. */
export const get: Command = {
  kind: "command",
  summary: "Print the value of a key",
  usage: "KEY",
  details:
    "micro config get mail.from\nmicro config get --all\n\n" +
    "Strings are printed as they are, everything else as JSON; with --output json always JSON. A secret shows as\n" +
    "[secret] unless --secret is given.",
  flags: [showSecretFlag, { name: "all", kind: "bool", help: "print everything" }],
  wordCount: { min: 0, max: 1 },
  run: async ({ session, words: [path], flags, isJson }) => {
    if (path === undefined && !flags.isOn("all")) {
      throw new CommandError("Missing argument; usage: micro config get KEY, or --all for everything");
    }
    const body = { namespace: session.namespace, path: path ?? "", options: { secret: flags.isOn("secret") } };
    const json = valueIn(await session.call("config", "Config.Get", body).catch(refuseMissing));
    if (json === undefined) throw notFound();
    printLine(isJson ? json : formatValue(json));
  },
};
