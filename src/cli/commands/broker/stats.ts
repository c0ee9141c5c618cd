import type { Command } from "#cli/command.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLine, printLines } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, textOf } from "#cli/service-answer.ts";

/** `micro broker stats`: who listens, and how well they keep up. */
export const stats: Command = {
  kind: "command",
  summary: "Show who listens, and how well they keep up",
  usage: "",
  details: "DROPPED are messages that a subscriber lost because it was too slow.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const answer = fieldsOf(await session.call("broker", "Broker.Stats", {}));
    const published = numberOf(answer["published"]);
    const unheard = numberOf(answer["unheard"]);
    const subscriptions = listOf(answer["subscriptions"]).map((each) => ({
      topic: textOf(each["topic"]),
      queue: textOf(each["queue"]),
      delivered: numberOf(each["delivered"]),
      dropped: numberOf(each["dropped"]),
      waiting: numberOf(each["waiting"]),
    }));
    if (isJson) return printJson({ published, unheard, subscriptions });
    const rows = subscriptions.map(({ topic, queue, delivered, dropped, waiting }) => [
      topic,
      queue === "" ? "-" : queue,
      ...[delivered, dropped, waiting].map(String),
    ]);
    if (rows.length > 0) printLines(formatTable([["TOPIC", "QUEUE", "DELIVERED", "DROPPED", "WAITING"], ...rows]));
    printLine(`${published} published, ${unheard} of them unheard`);
  },
};
