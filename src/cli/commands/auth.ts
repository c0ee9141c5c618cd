import type { CommandGroup } from "#cli/command.ts";
import { createAccount, createToken } from "./auth/accounts.ts";
import { audit } from "./auth/audit.ts";
import { deleteAccount, revoke, updateSecret } from "./auth/change-account.ts";
import { list } from "./auth/list.ts";
import { reset } from "./auth/reset.ts";
import { createRule, deleteRule } from "./auth/rules.ts";
import { why } from "./auth/why.ts";

/** `micro auth …`: accounts, rules and tokens of the current namespace. */
export const command: CommandGroup = {
  kind: "group",
  summary: "Manage accounts, rules and tokens",
  children: {
    list,
    create: {
      kind: "group",
      summary: "Make an account, a token or a rule",
      children: { account: createAccount, token: createToken, rule: createRule },
    },
    delete: {
      kind: "group",
      summary: "Remove an account or a rule",
      children: { account: deleteAccount, rule: deleteRule },
    },
    update: { kind: "group", summary: "Change an account", children: { secret: updateSecret } },
    revoke,
    why,
    audit,
    reset,
  },
};
