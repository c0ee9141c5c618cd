import { checkName } from "#cli/check-name.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Command, CommandGroup } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { command as config } from "./user-config.ts";
import { setPassword } from "./user-password.ts";

const show: Command = {
  kind: "command",
  summary: "Print the current user",
  usage: "",
  flags: [],
  run: async ({ session, isJson }) => {
    const account = fieldsOf(fieldsOf(await inspect(session))["account"]);
    if (isJson) printJson(account);
    else printLine(textOf(account["name"]) || textOf(account["id"]));
  },
};

const token: Command = {
  kind: "command",
  summary: "Print an access token of the current user",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const accessToken = await requireToken(session);
    if (isJson) printJson({ access_token: accessToken });
    else printLine(accessToken);
  },
};

const getNamespace: Command = {
  kind: "command",
  summary: "Print the current namespace",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    if (isJson) printJson({ namespace: session.namespace });
    else printLine(session.chosenNamespace ?? "");
  },
};

const setNamespace: Command = {
  kind: "command",
  summary: "Choose the namespace to work in",
  usage: "NAME",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [name = ""] }) => {
    checkName("namespace", name);
    const prefix = `namespaces.${session.environment.name}`;
    const known = (session.config.get(`${prefix}.all`) ?? "").split(",").filter((each) => each !== "");
    const all = known.includes(name) ? known : [...known, name];
    await session.config.set({ [`${prefix}.current`]: name, [`${prefix}.all`]: all.join(",") });
  },
};

/** `micro user …`: who the command line acts as. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Show and change the current user",
  alone: show,
  children: {
    token,
    namespace: {
      kind: "group",
      summary: "Get and set the namespace",
      alone: getNamespace,
      children: { get: getNamespace, set: setNamespace },
    },
    config,
    set: { kind: "group", summary: "Change the user", children: { password: setPassword } },
  },
};

async function inspect(session: Session): Promise<unknown> {
  const accessToken = await requireToken(session);
  return session.call("auth", "Auth.Inspect", { token: accessToken, options: { namespace: session.namespace } });
}

async function requireToken(session: Session): Promise<string> {
  const accessToken = await session.token();
  if (accessToken !== undefined) return accessToken;
  throw new CommandError('Invalid token provided: nobody is logged in, use "micro login"', { code: "unauthenticated" });
}
