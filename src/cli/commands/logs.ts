import type { Command } from "#cli/command.ts";
import { fieldsOf, numberOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";
import { parseServiceReference } from "#cli/service-name.ts";
import { printCompactJson, printLine } from "#cli/output/print.ts";

/** `micro logs NAME`: the lines that a service wrote, oldest first. */
export const command: Command = {
  kind: "command",
  summary: "Show the output of a service",
  usage: "NAME[@VERSION]",
  flags: [
    { name: "follow", short: "f", kind: "bool", help: "stay, and show what comes" },
    { name: "lines", short: "n", kind: "string", placeholder: "N", help: "only the last N lines" },
    { name: "since", kind: "string", placeholder: "10m", help: "only what was written in this time" },
    { name: "version", kind: "string", placeholder: "VERSION", help: "only this version" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [text = ""], flags, isJson }) => {
    const reference = parseServiceReference(text);
    const sinceMs = flags.durationMs("since");
    const request = {
      service: reference.name,
      version: flags.text("version") ?? reference.version,
      stream: flags.isOn("follow"),
      count: flags.count("lines") ?? 0,
      since: sinceMs === undefined ? 0 : Math.floor((Date.now() - sinceMs) / 1_000),
      options: { namespace: session.namespace },
    };
    for await (const record of session.stream(
      { service: "runtime", endpoint: "Runtime.Logs" },
      oneMessage(JSON.stringify(request)),
    )) {
      if (isJson) printCompactJson(toJson(fieldsOf(record)));
      else printLine(textOf(fieldsOf(record)["message"]));
    }
  },
};

/** `Message` and `Metadata` are written as Micro's command line does; the rest is ours. */
function toJson(record: Fields): object {
  return {
    Message: textOf(record["message"]),
    Metadata: textMapOf(record["metadata"]),
    timestamp: new Date(numberOf(record["timestamp"])).toISOString(),
    stream: textOf(record["stream"]),
    level: textOf(record["level"]),
    instance: textOf(record["instance"]),
  };
}
