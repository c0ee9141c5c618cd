import type { Command } from "#cli/command.ts";
import { printJson, printNote } from "#cli/output/print.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";

/** `micro config rotate-key`. */
export const rotateKey: Command = {
  kind: "command",
  summary: "Make a new key for secrets and encrypt all of them with it",
  usage: "",
  details: "Of every namespace, so it takes an administrator of the installation.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const secrets = numberOf(fieldsOf(await session.call("config", "Config.RotateKey", {}))["secrets"]);
    if (isJson) printJson({ secrets });
    else printNote(`${secrets} ${secrets === 1 ? "secret is" : "secrets are"} encrypted with a new key`);
  },
};
