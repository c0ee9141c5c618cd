import type { Command } from "#cli/command.ts";
import { fromFileFlag, readInputValue } from "#cli/input-value.ts";
import { printJson } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { toValueJson } from "./config-value.ts";

/** `micro config set KEY VALUE`. */
export const set: Command = {
  kind: "command",
  summary: "Set the value of a key",
  usage: "KEY VALUE",
  details:
    'micro config set mail \'{"from": "me@example.com", "port": 25}\'\nmicro config set mail.password --secret -\n\n' +
    "A value that is JSON is kept as such, with all digits of its numbers, anything else as a string. An object is merged\n" +
    "into what is there. - reads the value from standard input, which keeps secrets out of the shell's history.",
  flags: [
    { name: "secret", short: "s", kind: "bool", help: "keep it encrypted, and mask it when it is read" },
    { name: "string", kind: "bool", help: "keep the value as a string, also when it is JSON" },
    fromFileFlag,
    {
      name: "expected-revision",
      kind: "string",
      placeholder: "N",
      help: "only if the configuration is still at this revision; 0: only if there is none",
    },
  ],
  wordCount: { min: 1, max: 2 },
  run: async ({ session, words: [path = "", ...rest], flags, isJson }) => {
    const usage = "micro config set KEY VALUE";
    const bytes = await readInputValue(rest, flags, usage);
    // A file and what `echo` pipes end with a line break that is not part of the value.
    const text = new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
    const expected = flags.count("expected-revision");
    const answer = await session.call("config", "Config.Set", {
      namespace: session.namespace,
      path,
      value: { data: toValueJson(text, flags.isOn("string")), format: "json" },
      options: { secret: flags.isOn("secret") },
      ...(expected === undefined ? {} : { expected_revision: expected }),
    });
    if (isJson) printJson({ revision: numberOf(fieldsOf(answer)["revision"]) });
  },
};
