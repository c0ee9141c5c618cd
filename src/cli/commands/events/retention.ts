import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { changeRetention, formatRetention, readRetention } from "./retention-limits.ts";
import { readTopics } from "./topics.ts";

/** `micro events retention TOPIC`: shows it, or changes what the flags say. */
export const retention: Command = {
  kind: "command",
  summary: "Show or change how long a topic keeps events",
  usage: "TOPIC",
  details:
    "micro events retention orders --age 7d --bytes 1GB\nmicro events retention orders --count none\n\n" +
    "An event goes when any of the limits says so. What no flag says stays as it is; none takes a limit away.",
  flags: [
    { name: "age", kind: "string", placeholder: "7d", help: "the longest time" },
    { name: "bytes", kind: "string", placeholder: "1GB", help: "the most bytes of all events together" },
    { name: "count", kind: "string", placeholder: "N", help: "the most events" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [topic = ""], flags, isJson }) => {
    const present = (await readTopics(session)).find(({ name }) => name === topic);
    const isChange = ["age", "bytes", "count"].some((name) => flags.has(name));
    if (present === undefined && !isChange) throw new CommandError("Not found", { code: "not_found" });
    const limits = changeRetention(present?.retention ?? readRetention({}), flags);
    if (isChange) await session.call("events", "Stream.SetRetention", { topic, retention: limits });
    if (isJson) printJson(limits);
    else printLine(formatRetention(limits));
  },
};
