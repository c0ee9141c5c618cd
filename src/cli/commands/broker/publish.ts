import type { Command } from "#cli/command.ts";
import { readPairs } from "#cli/arguments/read-pairs.ts";
import { fromFileFlag, readInputValue } from "#cli/input-value.ts";
import { isJsonText } from "#cli/output/json-text.ts";

/** `micro broker publish TOPIC MESSAGE`: silent. */
export const publish: Command = {
  kind: "command",
  summary: "Send a message to whoever listens now",
  usage: "TOPIC MESSAGE…",
  details:
    "micro broker publish alarms '{\"level\": 3}' --header origin=cellar\n\n" +
    "Several words are joined by blanks; - takes standard input. Nothing is kept: for that see micro events.",
  flags: [
    {
      name: "header",
      kind: "list",
      placeholder: "KEY=VALUE",
      help: "travels with the message; Content-Type is set where it is not said",
    },
    fromFileFlag,
  ],
  wordCount: { min: 1, max: Infinity },
  run: async ({ session, words: [topic, ...words], flags }) => {
    const body = await readInputValue(words, flags, "micro broker publish TOPIC MESSAGE…");
    const header = readPairs(flags, "header");
    const isTyped = Object.keys(header).some((key) => key.toLowerCase() === "content-type");
    const message = {
      header: isTyped ? header : { "Content-Type": typeOf(body), ...header },
      body: Buffer.from(body).toString("base64"),
    };
    await session.call("broker", "Broker.Publish", { topic, message });
  },
};

/** What subscribers read the message as. */
function typeOf(body: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return isJsonText(text) ? "application/json" : "text/plain";
  } catch {
    return "application/octet-stream";
  }
}
