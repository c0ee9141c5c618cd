import { createHash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { AuditSink } from "#interface/audit.ts";
import type { LaunchIdentities } from "#interface/auth.ts";
import type { AccountBook } from "./account-book.ts";
import { noteOfServer } from "./audit-call.ts";
import { toAccount, withInstance, type AccountRecord } from "./account-record.ts";
import type { TokenCodec } from "./token-codec.ts";

type Launch = Parameters<LaunchIdentities["revoke"]>[0];

export interface LaunchIdentityBookDeps {
  readonly accounts: AccountBook;
  readonly codec: TokenCodec;
  readonly clock: Clock;
  readonly audit: AuditSink;
}

/** Identities of services that the runtime starts: one account a version, one credential an instance. */
export class LaunchIdentityBook implements LaunchIdentities {
  readonly #deps: LaunchIdentityBookDeps;

  constructor(deps: LaunchIdentityBookDeps) {
    this.#deps = deps;
  }

  async issue(launch: Parameters<LaunchIdentities["issue"]>[0]): Promise<{ id: string; secret: string }> {
    const { codec, clock } = this.#deps;
    const record = (await this.#find(launch)) ?? (await this.#create(launch));
    const account = withInstance(toAccount(record), launch.instance);
    const expiresAtMs = clock.now() + limits.launchCredentialMs;
    const secret = await codec.sign("launch", { account, generation: record.generation, expiresAtMs });
    return { id: record.id, secret };
  }

  async revoke(launch: Launch): Promise<void> {
    const record = await this.#find(launch);
    if (record === undefined || !(await this.#deps.accounts.delete(record.issuer, record.id))) return;
    await this.#note("account deleted", record);
  }

  async #find(launch: Launch): Promise<AccountRecord | undefined> {
    for (const id of accountIds(launch)) {
      const record = await this.#deps.accounts.find(launch.namespace, id);
      if (record !== undefined && isFor(record, launch)) return record;
    }
    return undefined;
  }

  #note(action: string, { issuer: namespace, id: subject, launch }: AccountRecord): Promise<void> {
    const detail = `for service ${launch?.service} ${launch?.version}`;
    return this.#deps.audit.change(noteOfServer({ namespace, action, subject, detail }));
  }

  async #create(launch: Launch): Promise<AccountRecord> {
    const { namespace, service, version } = launch;
    for (const id of accountIds(launch)) {
      if ((await this.#deps.accounts.find(namespace, id)) !== undefined) continue;
      const account = { namespace, id, type: "service", scopes: ["service"], launch: { service, version } };
      try {
        const record = await this.#deps.accounts.create(account);
        await this.#note("account created", record);
        return record;
      } catch (reason) {
        // Two instances that start at once: the other one has made it.
        const made = await this.#find(launch);
        if (made === undefined) throw reason;
        return made;
      }
    }
    throw new MicroError("conflict", `the account names for service ${service} ${version} are taken in ${namespace}`);
  }
}

function isFor({ launch }: AccountRecord, { service, version }: Launch): boolean {
  return launch?.service === service && launch.version === version;
}

/** `service-version`, and a longer name for when that one belongs to another service or to a person. */
function accountIds({ service, version }: Launch): string[] {
  const plain = `${service}-${version}`.replaceAll(/[^A-Za-z0-9._@+:-]/g, "-");
  const hash = createHash("sha256").update(`${service}/${version}`).digest("hex").slice(0, 12);
  const distinct = `${plain.slice(0, limits.nameLengthMax - hash.length - 1)}-${hash}`;
  return plain.length > limits.nameLengthMax ? [distinct] : [plain, distinct];
}
