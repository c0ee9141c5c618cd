import type { Command } from "#cli/command.ts";
import { currentUserKey } from "#cli/connection/current-user.ts";
import { MicroError } from "#base/error.ts";
import { printNote } from "#cli/output/print.ts";

/** `micro logout`: ends the login at the server and forgets it here. Prints nothing. */
export const command: Command = {
  kind: "command",
  summary: "Log out of the current environment",
  usage: "",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session }) => {
    const current = session.currentLogin();
    if (current === undefined) return;
    const { key, login } = current;
    await session.logins.locked(async (file) => file.remove(key));
    await session.config.set({ [currentUserKey(session.environment.name, key.namespace)]: "" });
    const body = { refresh_token: login.refreshToken, options: { namespace: key.namespace } };
    try {
      await session.call("auth", "Auth.Revoke", body, { isAnonymous: true });
    } catch (reason) {
      // Logging out must work without a server, and at one that knows no such call; but the user should know.
      printNote(`The server was not told: ${MicroError.from(reason).detail}`);
    }
  },
};
