import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { LoginKey } from "#cli/connection/login-file.ts";
import { readTokenAnswer, wishedTokenSeconds } from "#cli/connection/refresh-login.ts";
import type { Session } from "#cli/connection/session.ts";
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
    const current = session.currentLogin();
    const id = flags.text("email") ?? current?.key.account;
    if (id === undefined) throw new CommandError('Nobody is logged in: use "micro login" or --email');
    const secrets = await askSecrets(flags.text("old-password"), flags.text("new-password"));
    const options = { namespace: session.namespace };
    await session.call("auth", "Accounts.ChangeSecret", { id, ...secrets, options });
    if (current !== undefined && current.key.account === id) await renewLogin(session, current.key, secrets.new_secret);
  },
};

/** Every login made with the old password has ended, this one too. */
async function renewLogin(session: Session, key: LoginKey, secret: string): Promise<void> {
  const { account: id, namespace } = key;
  const body = { id, secret, token_expiry: wishedTokenSeconds, options: { namespace } };
  const login = readTokenAnswer(await session.call("auth", "Auth.Token", body, { isAnonymous: true }));
  await session.logins.locked(async (file) => file.write(key, login));
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
