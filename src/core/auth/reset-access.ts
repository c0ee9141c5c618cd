import type { AuditSink } from "#interface/audit.ts";
import { defaultNamespace, type Account, type AccessRules, type Rule } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import { toAccount } from "./account-record.ts";
import { createAdministrator, findAdministrator } from "./administrator.ts";
import { noteOfServer } from "./audit-call.ts";
import type { RuleBook } from "./rule-book.ts";
import { createSecret } from "./secret.ts";

/** How the administrator comes in again. */
export interface AdministratorReset {
  readonly id: string;
  /** Kept nowhere: whoever gets this shows it. */
  readonly secret: string;
  /** Ids of rules that let him in. */
  readonly created: readonly string[];
  /** Ids of rules that stood in the way of those. */
  readonly deleted: readonly string[];
}

export interface ResetDeps {
  readonly accounts: AccountBook;
  readonly ruleBook: RuleBook;
  readonly rules: AccessRules;
  readonly audit: AuditSink;
}

/** The highest that a rule can have. */
const priorityMax = 2 ** 31 - 1;

/** What somebody needs who repairs the rest: to log in, and the whole service `auth` then. */
const ways = [
  { id: "reset-login", scope: "", endpoint: "Auth.Token", asked: ["Auth.Token"] },
  { id: "reset-inspect", scope: "", endpoint: "Auth.Inspect", asked: ["Auth.Inspect"] },
  {
    id: "reset-admin",
    scope: "admin",
    endpoint: "*",
    asked: [
      "Rules.List",
      "Rules.Create",
      "Rules.Delete",
      "Accounts.List",
      "Auth.Generate",
      "Auth.Explain",
      "Audit.Read",
    ],
  },
] as const;

/** Gives the administrator a new secret, or makes one who is gone, and opens the service `auth` to him where rules close it. */
export async function resetAccess(deps: ResetDeps): Promise<AdministratorReset> {
  const { accounts, audit } = deps;
  const known = await findAdministrator(accounts);
  const secret = createSecret();
  const id = known ?? (await createAdministrator(accounts, secret, true));
  if (known !== undefined) await accounts.changeSecret(defaultNamespace, id, secret);
  const record = await accounts.find(defaultNamespace, id);
  const account = record === undefined ? undefined : toAccount(record);
  const [created, deleted]: [string[], string[]] = [[], []];
  for (const way of ways) {
    const caller = way.scope === "" ? undefined : account;
    if (findObstacle(deps.rules, caller, way) === undefined) continue;
    await open(deps, { way, caller, deleted });
    created.push(way.id);
  }
  const rulesText = [...created, ...deleted.map((each) => `without ${each}`)].join(", ");
  const detail = `by micro auth reset${rulesText === "" ? "" : `; rules: ${rulesText}`}`;
  await audit.change(noteOfServer({ namespace: defaultNamespace, action: "administrator reset", subject: id, detail }));
  return { id, secret, created, deleted };
}

type Way = (typeof ways)[number];

/** Adds the rule of a way, and takes away what comes before it all the same. */
async function open(
  { ruleBook, rules }: ResetDeps,
  { way, caller, deleted }: { way: Way; caller: Account | undefined; deleted: string[] },
): Promise<void> {
  const { id, scope, endpoint } = way;
  const resource = { type: "service", name: "auth", endpoint };
  const rule: Rule = { id, scope, resource, access: "granted", priority: priorityMax };
  await ruleBook.delete(defaultNamespace, id);
  await ruleBook.create(defaultNamespace, rule);
  for (;;) {
    const obstacle = findObstacle(rules, caller, way);
    if (obstacle === undefined || obstacle === "no rule") return;
    await ruleBook.delete(defaultNamespace, obstacle.id);
    deleted.push(obstacle.id);
  }
}

/** What keeps a caller out; undefined when nothing does. */
function findObstacle(rules: AccessRules, caller: Account | undefined, { asked }: Way): Rule | "no rule" | undefined {
  for (const endpoint of asked) {
    const { granted, rule } = rules.decide(caller, defaultNamespace, { type: "service", name: "auth", endpoint });
    if (!granted) return rule ?? "no rule";
  }
  return undefined;
}
