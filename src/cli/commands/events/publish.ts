import { CommandError } from "#cli/command-error.ts";
import type { Command, Invocation } from "#cli/command.ts";
import { readPairs } from "#cli/arguments/read-pairs.ts";
import { isJsonText } from "#cli/output/json-text.ts";
import { printJson, printLine, printNote } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";
import { readLineBatches } from "#cli/read-lines.ts";
import { MiB } from "#base/limits.ts";

/** One batch of standard input: enough to share a commit, and far below the largest message. */
const batchBrim = { countMax: 5_000, charsMax: 4 * MiB };

/** `micro events publish TOPIC JSON`. */
export const publish: Command = {
  kind: "command",
  summary: "Publish an event, or many from standard input",
  usage: "TOPIC JSON|-",
  details:
    "micro events publish orders '{\"id\": 1}'\ncat orders.ndjson | micro events publish orders -\n\n" +
    "Prints the place of the event in its topic. With - each line of standard input is an event. An event with the id of an\n" +
    "earlier one is not published again.",
  flags: [
    { name: "metadata", kind: "list", placeholder: "KEY=VALUE", help: "travels with the event" },
    { name: "id", kind: "string", placeholder: "ID", help: "default: a new one" },
    { name: "raw", kind: "bool", help: "publish the text as it is, also when it is not JSON" },
  ],
  wordCount: { min: 2, max: Infinity },
  run: (invocation) => {
    const { words } = invocation;
    return words.length === 2 && words[1] === "-" ? publishLines(invocation) : publishOne(invocation);
  },
};

async function publishOne(invocation: Invocation): Promise<void> {
  const { session, words, flags, isJson } = invocation;
  const [topic = "", ...payload] = words;
  const event = toEvent(invocation, { topic, text: payload.join(" "), from: "the payload" });
  const answer = fieldsOf(await session.call("events", "Stream.Publish", { ...event, id: flags.text("id") ?? "" }));
  if (isJson) return printJson(toJson(answer));
  printLine(String(numberOf(answer["sequence"])));
  if (answer["duplicate"] === true) printNote("an event with this id was there already: nothing was published");
}

async function publishLines(invocation: Invocation): Promise<void> {
  const { session, words, flags, isJson } = invocation;
  const [topic = ""] = words;
  if (flags.has("id")) throw new CommandError("--id is for one event; from standard input come many");
  const progress = startProgress();
  let count = 0;
  let lineNumber = 0;
  try {
    for await (const lines of readLineBatches(Bun.stdin.stream(), batchBrim)) {
      const events = lines.flatMap((text) => {
        lineNumber += 1;
        const from = `line ${lineNumber} of standard input`;
        return text.trim() === "" ? [] : [toEvent(invocation, { topic, text, from })];
      });
      if (events.length === 0) continue;
      const answer = fieldsOf(await session.call("events", "Stream.PublishBatch", { events }));
      count += events.length;
      if (isJson) for (const each of listOf(answer["events"])) printLine(JSON.stringify(toJson(each)));
      else progress.show(`${count} events published`);
    }
  } finally {
    progress.clear();
  }
  if (!isJson) printNote(`${count} ${count === 1 ? "event" : "events"} published`);
}

function toEvent(
  { flags }: Invocation,
  { topic, text, from }: { readonly topic: string; readonly text: string; readonly from: string },
): object {
  if (!flags.isOn("raw") && !isJsonText(text)) {
    throw new CommandError(`${from} is not JSON; --raw publishes it as it is`);
  }
  return { topic, payload: Buffer.from(text).toString("base64"), metadata: readPairs(flags, "metadata") };
}

function toJson(answer: Fields): object {
  return {
    id: textOf(answer["id"]),
    sequence: numberOf(answer["sequence"]),
    duplicate: answer["duplicate"] === true,
  };
}
