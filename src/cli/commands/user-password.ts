import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { LoginKey } from "#cli/connection/login-file.ts";
import { readTokenAnswer, wishedTokenSeconds } from "#cli/connection/refresh-login.ts";
import type { Session } from "#cli/connection/session.ts";
import { fieldsOf, textOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";
import { openPrompt } from "#cli/output/prompt.ts";

/** `micro user set password`. Asks for what the flags do not say. */
export const setPassword: Command = {
  kind: "command",
  summary: "Change the password of the current user",
  usage: "",
  flags: [
    {
      name: "email",
      aliases: ["username"],
      kind: "string",
      placeholder: "NAME",
      help: "another account than the current one",
    },
    { name: "old-password", kind: "string", placeholder: "SECRET", help: "the present one" },
    { name: "new-password", kind: "string", placeholder: "SECRET", help: "the one to come" },
  ],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags }) => {
    const current = session.currentLogin()?.key;
    const key = await findAccount(session, flags.text("email"), current);
    const secrets = await askSecrets(flags.text("old-password"), flags.text("new-password"));
    const options = { namespace: key.namespace };
    await session.call("auth", "Accounts.ChangeSecret", { id: key.account, ...secrets, options });
    if (session.logins.read(key) !== undefined) await renewLogin(session, key, secrets.new_secret);
  },
};

/** Whose password is meant: an account of the namespace that is named by id or name, else the one that commands act as. */
async function findAccount(
  session: Session,
  named: string | undefined,
  current: LoginKey | undefined,
): Promise<LoginKey> {
  if (current === undefined) {
    if (named !== undefined) return session.loginKey(named);
    throw new CommandError('Nobody is logged in: use "micro login"', { code: "unauthenticated" });
  }
  if (named === undefined) return current;
  if (named === current.account || current.namespace !== session.namespace) return session.loginKey(named);
  const answer = await session.call("auth", "Auth.Inspect", { token: await session.token() });
  return textOf(fieldsOf(fieldsOf(answer)["account"])["name"]) === named ? current : session.loginKey(named);
}

/** Every login made with the old password has ended, the one that is kept here too: a new one takes its place. */
async function renewLogin(session: Session, key: LoginKey, secret: string): Promise<void> {
  const { account: id, namespace } = key;
  const body = { id, secret, token_expiry: wishedTokenSeconds, options: { namespace } };
  try {
    const login = readTokenAnswer(await session.call("auth", "Auth.Token", body, { isAnonymous: true }));
    await session.logins.locked(async (file) => file.write(key, login));
  } catch (cause) {
    const { code, detail } = MicroError.from(cause);
    const text = `The password is changed, but the login with it failed: ${detail}; log in with "micro login"`;
    throw new CommandError(text, { code, cause });
  }
}

async function askSecrets(
  oldSecret: string | undefined,
  newSecret: string | undefined,
): Promise<{ readonly old_secret: string; readonly new_secret: string }> {
  if (oldSecret !== undefined && newSecret !== undefined) return { old_secret: oldSecret, new_secret: newSecret };
  const prompt = openPrompt();
  try {
    const old = oldSecret ?? (await prompt.askHidden("Enter current password: "));
    const chosen = newSecret ?? (await prompt.askHidden("Enter a new password: "));
    if (chosen === "") throw new CommandError("A new password is needed");
    if (newSecret === undefined && (await prompt.askHidden("Verify your password: ")) !== chosen) {
      throw new CommandError("The two new passwords are not the same");
    }
    return { old_secret: old, new_secret: chosen };
  } finally {
    prompt.close();
  }
}
