import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { listText } from "#cli/output/json-text.ts";
import { printLine } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, type Fields } from "#cli/service-answer.ts";
import { limits } from "#base/limits.ts";
import { formatEvent } from "./event-output.ts";
import { fromFlag, parseStart, type StartFields } from "./start-position.ts";

/** `micro events read TOPIC`: what was published, oldest first. */
export const read: Command = {
  kind: "command",
  summary: "Print the history of a topic, oldest first",
  usage: "TOPIC",
  details:
    "micro events read orders --from 1h --limit 100 --verbose\n\n" +
    "Nothing is acknowledged, and no group moves. With --output json it is one list.",
  flags: [
    fromFlag,
    {
      name: "limit",
      short: "l",
      kind: "string",
      placeholder: "N",
      help: `at most N, default ${limits.eventReadCountDefault}; 0 is all`,
    },
    { name: "offset", kind: "string", placeholder: "N", help: "skip N" },
    { name: "verbose", short: "v", kind: "bool", help: "show place, time, id and metadata too" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [topic = ""], flags, isJson }) => {
    const start = parseStart(flags.text("from"), Date.now());
    if (start.start === "LATEST")
      throw new CommandError("Nothing is behind the latest event yet: see micro events consume");
    const given = flags.count("limit") ?? limits.eventReadCountDefault;
    const limit = given === 0 ? Infinity : given;
    const events = readHistory(session, { topic, start, limit, offset: flags.count("offset") ?? 0 });
    const style = { isJson, isVerbose: flags.isOn("verbose") };
    if (isJson) return printLine(listText((await Array.fromAsync(events)).map((event) => formatEvent(event, style))));
    for await (const event of events) printLine(formatEvent(event, style));
  },
};

interface HistoryQuery {
  readonly topic: string;
  readonly start: StartFields;
  readonly limit: number;
  readonly offset: number;
}

/** Page after page: an answer holds as many as fit one message. */
async function* readHistory(session: Session, query: HistoryQuery): AsyncGenerator<Fields> {
  const { topic, limit } = query;
  let left = limit;
  let { offset } = query;
  let from: StartFields = query.start.start === undefined ? query.start : {};
  while (left > 0) {
    const body = { topic, ...from, offset, limit: Math.min(left, limits.eventReadCountMax) };
    const events = listOf(fieldsOf(await session.call("events", "Store.Read", body))["events"]);
    yield* events;
    const last = events.at(-1);
    if (last === undefined) return;
    left -= events.length;
    offset = 0;
    from = { start_sequence: numberOf(last["sequence"]) + 1 };
  }
}
