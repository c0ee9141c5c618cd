import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { currentUserKey } from "#cli/connection/current-user.ts";
import { readTokenAnswer, wishedTokenSeconds } from "#cli/connection/refresh-login.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { openPrompt } from "#cli/output/prompt.ts";

/** `micro login`: asks for what the flags do not say; what is piped in is read line by line. */
export const command: Command = {
  kind: "command",
  summary: "Log in to the current environment",
  usage: "",
  flags: [
    { name: "username", aliases: ["email"], kind: "string", placeholder: "NAME", help: "id or name of the account" },
    {
      name: "password",
      kind: "string",
      placeholder: "SECRET",
      help: "its secret; other users may see flags, so better leave it out",
    },
  ],
  wordCount: { min: 0, max: 1 },
  run: async ({ session, words, flags, isJson }) => {
    const { username, password } = await askCredentials(flags.text("username") ?? words[0], flags.text("password"));
    const { namespace } = session;
    const body = { id: username, secret: password, token_expiry: wishedTokenSeconds, options: { namespace } };
    const login = readTokenAnswer(await session.call("auth", "Auth.Token", body, { isAnonymous: true }).catch(refuse));
    const inspect = { token: login.accessToken, options: { namespace } };
    const answer = await session.call("auth", "Auth.Inspect", inspect, { isAnonymous: true });
    const account = textOf(fieldsOf(fieldsOf(answer)["account"])["id"]) || username;
    await session.logins.locked(async (file) => file.write(session.loginKey(account), login));
    await session.config.set({ [currentUserKey(session.environment.name, namespace)]: account });
    if (isJson) printJson({ account, namespace, environment: session.environment.name });
    else printLine("Successfully logged in.");
  },
};

async function askCredentials(
  username: string | undefined,
  password: string | undefined,
): Promise<{ readonly username: string; readonly password: string }> {
  if (username !== undefined && password !== undefined) return { username, password };
  const prompt = openPrompt();
  try {
    const answers = {
      username: username ?? (await prompt.ask("Enter username: ")),
      password: password ?? (await prompt.askHidden("Enter password: ")),
    };
    if (answers.username === "") throw new CommandError("A username is needed: --username=NAME");
    if (answers.password === "") throw new CommandError("A password is needed: type it, pipe it in, or use --password");
    return answers;
  } finally {
    prompt.close();
  }
}

/** What was typed is wrong: that is a plain failure of the command, not a missing right. */
function refuse(reason: unknown): never {
  if (MicroError.is(reason) && (reason.httpStatus === 400 || reason.httpStatus === 401)) {
    throw new CommandError(reason.detail, { code: reason.code, cause: reason });
  }
  throw reason;
}
