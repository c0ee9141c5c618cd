import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { printLine } from "#cli/output/print.ts";
import { consumeEvents } from "./consumption.ts";
import { formatEvent } from "./event-output.ts";
import { fromFlag, parseStart } from "./start-position.ts";

/** `micro events consume TOPIC`: events as they come, until Ctrl-C. */
export const consume: Command = {
  kind: "command",
  summary: "Print events as they come",
  usage: "TOPIC",
  details:
    "micro events consume orders --from earliest\nmicro events consume orders --group billing --limit 10 --output json\n\n" +
    "Without a group every event is shown, from the next one on. Members of a group share the events; what is printed is\n" +
    "acknowledged, and the group goes on there the next time: earliest and latest say where a new group begins, a place or a\n" +
    "time moves a known one. Ctrl-C ends it.",
  flags: [
    { name: "group", short: "g", kind: "string", placeholder: "NAME", help: "consume as a member of this group" },
    fromFlag,
    { name: "limit", short: "l", kind: "string", placeholder: "N", help: "end after N events" },
    { name: "no-ack", kind: "bool", help: "leave the events of the group to come again" },
    { name: "verbose", short: "v", kind: "bool", help: "show place, time, id and metadata too" },
  ],
  wordCount: { min: 1, max: 1 },
  run: ({ session, words: [topic = ""], flags, isJson }) =>
    untilInterrupted(async (signal) => {
      const group = flags.text("group");
      if (group === undefined && flags.isOn("no-ack")) {
        throw new CommandError("--no-ack is for groups: without one nothing is acknowledged");
      }
      const options = {
        topic,
        group,
        start: parseStart(flags.text("from"), Date.now()),
        acknowledges: !flags.isOn("no-ack"),
        countMax: flags.count("limit") ?? Infinity,
        signal,
      };
      const style = { isJson, isVerbose: flags.isOn("verbose") };
      await consumeEvents(session, options, (event) => printLine(formatEvent(event, style)));
    }),
};
