import type { Command } from "#cli/command.ts";
import { fieldsOf, numberOf, textOf } from "#cli/service-answer.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { formatResource, parseResource } from "./resource.ts";

/** `micro auth why ACCOUNT RESOURCE`: what would happen, and which rule decides. */
export const why: Command = {
  kind: "command",
  summary: "Say whether an account may use something, and why",
  usage: "ACCOUNT RESOURCE",
  details:
    "micro auth why jane service:helloworld:Helloworld.Call\n" +
    "micro auth why jane stream:orders:consume\n" +
    "micro auth why - service:helloworld:Helloworld.Call\n\n" +
    "- is a caller without an account.",
  flags: [
    { name: "account-namespace", kind: "string", placeholder: "NAME", help: "of the account, default the current one" },
  ],
  wordCount: { min: 2, max: 2 },
  run: async ({ session, words: [account = "", resource = ""], flags, isJson }) => {
    const body = {
      account_id: account === "-" ? "" : account,
      account_namespace: flags.text("account-namespace") ?? "",
      resource: parseResource(resource),
      options: { namespace: session.namespace },
    };
    const answer = fieldsOf(await session.call("auth", "Auth.Explain", body));
    const isGranted = answer["granted"] === true;
    const hasRule = typeof answer["rule"] === "object" && answer["rule"] !== null;
    const rule = fieldsOf(answer["rule"]);
    if (isJson) {
      printJson({ granted: isGranted, rule: hasRule ? rule : null, reason: textOf(answer["reason"]) });
      return;
    }
    const facts = hasRule
      ? [
          ["Rule", textOf(rule["id"])],
          ["Scope", textOf(rule["scope"]) || "<public>"],
          ["Resource", formatResource(fieldsOf(rule["resource"]))],
          ["Priority", String(numberOf(rule["priority"]))],
        ]
      : [["Rule", "no rule"]];
    const access = ["Access", isGranted ? "GRANTED" : "DENIED"];
    printLines(formatTable([access, ...facts, ["Reason", textOf(answer["reason"])]]));
  },
};
