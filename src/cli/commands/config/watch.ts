import type { Command } from "#cli/command.ts";
import { untilInterrupted } from "#cli/interrupt.ts";
import { objectText } from "#cli/output/json-text.ts";
import { printLine } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";
import { formatValue, valueIn } from "./config-value.ts";
import { showSecretFlag } from "./secret-flag.ts";

/** `micro config watch [KEY]`: the value now, and again after every change, until Ctrl-C. */
export const watch: Command = {
  kind: "command",
  summary: "Print the value of a key now and after every change",
  usage: "[KEY]",
  details:
    "micro config watch mail --output json\n\nWithout a key everything is watched. Where nothing is there, null is printed.",
  flags: [showSecretFlag, { name: "limit", short: "l", kind: "string", placeholder: "N", help: "end after N values" }],
  wordCount: { min: 0, max: 1 },
  run: ({ session, words: [path = ""], flags, isJson }) =>
    untilInterrupted(async (signal) => {
      const limit = flags.count("limit") ?? Infinity;
      const body = { namespace: session.namespace, path, options: { secret: flags.isOn("secret") } };
      const target = { service: "config", endpoint: "Config.Watch" };
      let count = 0;
      if (limit === 0) return;
      for await (const state of session.stream(target, oneMessage(JSON.stringify(body)), { signal })) {
        const json = valueIn(state) ?? "null";
        const revision = String(numberOf(fieldsOf(state)["revision"]));
        printLine(isJson ? objectText({ revision, value: json }) : formatValue(json));
        count += 1;
        if (count >= limit) return;
      }
    }),
};
