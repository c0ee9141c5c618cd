import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { printLine } from "#cli/output/print.ts";
import { openPrompt } from "#cli/output/prompt.ts";

/** `micro auth delete account ID`: silent. */
export const deleteAccount: Command = {
  kind: "command",
  summary: "Remove an account with its tokens",
  usage: "ID",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id] }) => {
    await session.call("auth", "Accounts.Delete", { id, options: { namespace: session.namespace } });
  },
};

/** `micro auth revoke ACCOUNT`: silent. */
export const revoke: Command = {
  kind: "command",
  summary: "End every token and login of an account",
  usage: "ACCOUNT",
  details:
    "Its secret stays: the account logs in anew. A service that the runtime started gets new credentials when it is\n" +
    "started again, for instance by micro update.",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id] }) => {
    await session.call("auth", "Accounts.Revoke", { id, options: { namespace: session.namespace } });
  },
};

/** `micro auth update secret ID`: asks for the new one where no flag says it. */
export const updateSecret: Command = {
  kind: "command",
  summary: "Give an account another secret",
  usage: "ID",
  details:
    "micro auth update secret jane\n\n" +
    "Ends every login made with the old secret. Administrators of the installation need not know the old one.",
  flags: [
    { name: "old-secret", kind: "string", placeholder: "SECRET", help: "the present one" },
    { name: "new-secret", kind: "string", placeholder: "SECRET", help: "the one to come; else it is asked for" },
  ],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [id], flags }) => {
    const newSecret = flags.text("new-secret") ?? (await askSecret());
    const body = { id, old_secret: flags.text("old-secret") ?? "", new_secret: newSecret };
    await session.call("auth", "Accounts.ChangeSecret", { ...body, options: { namespace: session.namespace } });
    printLine("Account updated");
  },
};

async function askSecret(): Promise<string> {
  const prompt = openPrompt();
  try {
    const secret = await prompt.askHidden("Enter a new secret: ");
    if (secret === "") throw new CommandError("A new secret is needed: type it, pipe it in, or use --new-secret");
    return secret;
  } finally {
    prompt.close();
  }
}
