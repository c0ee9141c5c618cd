import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import { printJson, printLine } from "#cli/output/print.ts";

/** `micro auth create account ID`: shows the secret this one time. */
export const createAccount: Command = {
  kind: "command",
  summary: "Make an account",
  usage: "ID",
  details:
    "micro auth create account jane --scopes reader,writer\n\nA secret that is left out is made and shown this one time.",
  flags: [
    { name: "secret", kind: "string", placeholder: "SECRET", help: "other users may see flags: better leave it out" },
    { name: "scopes", kind: "list", placeholder: "A,B", help: "what it may do: admin, or words that rules name" },
    { name: "type", kind: "string", placeholder: "TYPE", help: "user or service, default user" },
    { name: "name", kind: "string", placeholder: "NAME", help: "a second name that logs in" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id], flags, isJson }) => {
    const body = {
      id,
      secret: flags.text("secret") ?? "",
      scopes: flags.list("scopes").flatMap((each) => each.split(",").filter((scope) => scope !== "")),
      type: flags.text("type") ?? "",
      name: flags.text("name") ?? "",
      options: { namespace: session.namespace },
    };
    const account = fieldsOf(fieldsOf(await session.call("auth", "Auth.Generate", body))["account"]);
    if (isJson) printJson(account);
    else printLine(`Account created: ${JSON.stringify(account)}`);
  },
};

/** `micro auth create token`: exchanges id and secret. */
export const createToken: Command = {
  kind: "command",
  summary: "Make an access token for an account",
  usage: "",
  details: "micro auth create token --id jane --secret SECRET --expiry 3600",
  flags: [
    { name: "id", kind: "string", placeholder: "ID", help: "id or name of the account" },
    { name: "secret", kind: "string", placeholder: "SECRET", help: "its secret" },
    {
      name: "expiry",
      kind: "string",
      placeholder: "SECONDS",
      help: "wished life, default 900, for users at most a day",
    },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags, isJson }) => {
    const [id, secret] = [flags.text("id") ?? "", flags.text("secret") ?? ""];
    if (id === "") throw new CommandError("Missing account ID: --id=ID");
    if (secret === "") throw new CommandError("Missing account secret: --secret=SECRET");
    const options = { namespace: session.namespace };
    const body = { id, secret, token_expiry: flags.count("expiry") ?? 0, options };
    const token = fieldsOf(fieldsOf(await session.call("auth", "Auth.Token", body, { isAnonymous: true }))["token"]);
    if (isJson) printJson(token);
    else printLine(`Token created: ${JSON.stringify(token)}`);
  },
};
