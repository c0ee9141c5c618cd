import type { Command } from "#cli/command.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { bytesField, bytesOf, formatBytesLine } from "#cli/output/format-bytes.ts";
import { objectText } from "#cli/output/json-text.ts";
import { printLine, printNote } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";

/** `micro broker subscribe TOPIC`: messages as they come, until Ctrl-C. */
export const subscribe: Command = {
  kind: "command",
  summary: "Print messages as they come",
  usage: "TOPIC",
  details:
    "micro broker subscribe 'sensors.*.temperature'\n\n" +
    "* stands for one word between dots, > at the end for one or more. Ctrl-C ends it.",
  flags: [
    {
      name: "queue",
      short: "q",
      kind: "string",
      placeholder: "NAME",
      help: "subscribers of one queue share the messages",
    },
    { name: "limit", short: "l", kind: "string", placeholder: "N", help: "end after N messages" },
    { name: "verbose", short: "v", kind: "bool", help: "show topic and header too" },
  ],
  wordCount: { min: 1, max: 1 },
  run: ({ session, words: [topic], flags, isJson }) =>
    untilInterrupted(async (signal) => {
      const limit = flags.count("limit") ?? Infinity;
      const style = { isJson, isVerbose: flags.isOn("verbose") };
      const body = JSON.stringify({ topic, queue: flags.text("queue") ?? "" });
      const target = { service: "broker", endpoint: "Broker.SubscribeBatch" };
      let count = 0;
      if (limit === 0) return;
      for await (const answer of session.stream(target, oneMessage(body), { signal })) {
        const batch = fieldsOf(answer);
        const dropped = numberOf(batch["dropped"]);
        if (dropped > 0) printNote(`${dropped} messages were lost: they came faster than they could be printed`);
        for (const message of listOf(batch["messages"])) {
          printLine(format(message, style));
          count += 1;
          if (count >= limit) return;
        }
      }
    }),
};

function format(
  message: Fields,
  { isJson, isVerbose }: { readonly isJson: boolean; readonly isVerbose: boolean },
): string {
  const body = bytesOf(message["body"]);
  const header = textMapOf(message["header"]);
  if (isJson) {
    return objectText({
      topic: JSON.stringify(textOf(message["topic"])),
      header: JSON.stringify(header),
      ...bytesField("body", body),
    });
  }
  const line = formatBytesLine(body);
  if (!isVerbose) return line;
  const encoder = new TextEncoder();
  const facts = [textOf(message["topic"]), ...Object.entries(header).map(([key, value]) => `${key}=${value}`)];
  return [...facts.map((fact) => formatBytesLine(encoder.encode(fact))), line].join("  ");
}
