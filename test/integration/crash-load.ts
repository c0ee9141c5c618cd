import type { MicroError } from "#base/error.ts";
import { Access, Accounts, Auth, Rules } from "#gen/auth/auth_pb.ts";
import { Config } from "#gen/config/config_pb.ts";
import { Start, Store as EventHistory, Stream } from "#gen/events/events_pb.ts";
import { BlobStore, Store } from "#gen/store/store_pb.ts";
import type { Caller } from "#service/caller.ts";
import { createProtoClient } from "#service/proto.ts";

/** Typed calls of every block that keeps something. */
export type StateClients = ReturnType<typeof createStateClients>;

export function createStateClients(caller: Caller) {
  return {
    store: createProtoClient(caller, "store", Store),
    blobs: createProtoClient(caller, "store", BlobStore),
    config: createProtoClient(caller, "config", Config),
    stream: createProtoClient(caller, "events", Stream),
    history: createProtoClient(caller, "events", EventHistory),
    auth: createProtoClient(caller, "auth", Auth),
    accounts: createProtoClient(caller, "auth", Accounts),
    rules: createProtoClient(caller, "auth", Rules),
  };
}

/** What the server has acknowledged over all rounds, and for what was overwritten also what was last tried. */
export class Ledger {
  readonly records = new Map<string, string>();
  readonly removed = new Set<string>();
  /** Keys of batches: each stands for two records. */
  readonly pairs = new Set<string>();
  readonly blobs = new Map<string, string>();
  readonly events = new Map<string, { readonly sequence: bigint; readonly payload: string }>();
  /** Ids of events that the group has acknowledged. */
  readonly handled = new Set<string>();
  /** Ids of events that were to be acknowledged: the server may have heard of it, and died before it could say so. */
  readonly handling = new Set<string>();
  readonly accounts = new Set<string>();
  /** Ids of access rules. */
  readonly rules = new Set<string>();
  /** Config values by path: acknowledged, and the highest that was tried. */
  readonly settings = new Map<string, { acknowledged: number; tried: number }>();
  /** How far the shared counter was brought by acknowledged increments, and by those that were tried. */
  readonly counter = { acknowledged: 0, tried: 0 };

  get size(): number {
    const { records, removed, pairs, blobs, events, handled, accounts, rules } = this;
    return [records, removed, pairs, blobs, events, handled, accounts, rules].reduce((sum, each) => sum + each.size, 0);
  }
}

export const crashTopic = "crash";
const crashGroup = "workers";
const keptRuleCount = 100;
export const counterKey = "counter";

type Work = (clients: StateClients, ledger: Ledger, name: string) => Promise<void>;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const workers: Readonly<Record<string, Work>> = {
  record: async ({ store }, ledger, name) => {
    await store.write({ record: { key: name, value: encode(name) } });
    ledger.records.set(name, name);
  },
  removal: async ({ store }, ledger, name) => {
    await store.write({ record: { key: name, value: encode(name) } });
    await store.delete({ key: name });
    ledger.removed.add(name);
  },
  pair: async ({ store }, ledger, name) => {
    const write = (key: string) => ({ action: { case: "write" as const, value: { key, value: encode(name) } } });
    await store.batch({ operations: [write(`${name}-a`), write(`${name}-b`)] });
    ledger.pairs.add(name);
  },
  counter: async ({ store }, ledger) => {
    const { records } = await store.read({ key: counterKey, options: { prefix: true } });
    const value = Number(new TextDecoder().decode(records[0]?.value) || "0");
    ledger.counter.tried = Math.max(ledger.counter.tried, value + 1);
    const record = { key: counterKey, value: encode(String(value + 1)) };
    await store.write({ record, expectedRevision: records[0]?.revision ?? 0n });
    ledger.counter.acknowledged = Math.max(ledger.counter.acknowledged, value + 1);
  },
  blob: async ({ blobs }, ledger, name) => {
    const content = name.repeat(2_000);
    async function* pieces() {
      yield { key: name, blob: encode(content.slice(0, 10_000)) };
      yield { blob: encode(content.slice(10_000)) };
    }
    await blobs.write(pieces());
    ledger.blobs.set(name, content);
  },
  setting: async ({ config }, ledger, name) => {
    const path = `crash.${name.split("-")[0]}`;
    const known = ledger.settings.get(path) ?? { acknowledged: 0, tried: 0 };
    ledger.settings.set(path, known);
    known.tried += 1;
    const value = known.tried;
    await config.set({ path, value: { data: String(value) } });
    known.acknowledged = value;
  },
  event: async ({ stream }, ledger, name) => {
    const { id, sequence } = await stream.publish({ topic: crashTopic, payload: encode(name) });
    ledger.events.set(id, { sequence, payload: name });
  },
  account: async ({ auth }, ledger, name) => {
    await auth.generate({ id: name, type: "service", secret: "secret-of-a-test" });
    ledger.accounts.add(name);
  },
  rule: async ({ rules }, ledger, name) => {
    // About a service that nobody calls, so that it decides nothing here.
    const resource = { type: "service", name: "none", endpoint: "*" };
    await rules.create({ rule: { id: name, scope: "nobody", resource, access: Access.GRANTED, priority: 0 } });
    ledger.rules.add(name);
    // A namespace has so many and no more. From now on nobody can say whether it is there.
    const [oldest] = ledger.rules;
    if (ledger.rules.size <= keptRuleCount || oldest === undefined) return;
    ledger.rules.delete(oldest);
    await rules.delete({ id: oldest });
  },
};

/** How the group reads: from the oldest event on, each until it is acknowledged. */
export const crashConsumer = {
  topic: crashTopic,
  group: crashGroup,
  start: Start.EARLIEST,
  ackWait: 60_000_000_000n,
  retryLimit: -1n,
};

export async function handleEvent(stream: StateClients["stream"], ledger: Ledger, id: string): Promise<void> {
  ledger.handling.add(id);
  await stream.ack({ topic: crashTopic, group: crashGroup, id, success: true });
  ledger.handled.add(id);
}

/** Acknowledges events for the group until the connection breaks. */
async function handleEvents({ stream }: StateClients, ledger: Ledger): Promise<void> {
  for await (const { id } of stream.consume(crashConsumer)) await handleEvent(stream, ledger, id);
}

/** Works on everything at once until the server is gone; whatever it acknowledged is in the ledger. */
export async function loadServer(clients: StateClients, ledger: Ledger, round: number): Promise<void> {
  const run = async (kind: string, work: Work, lane: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      try {
        await work(clients, ledger, `${kind}${lane}-${round}-${index}`);
      } catch (reason) {
        // Two lanes counted at once: one of them has to look again.
        if ((reason as MicroError).code !== "conflict") return;
      }
    }
  };
  const lanes = Object.entries(workers).flatMap(([kind, work]) => [0, 1].map((lane) => run(kind, work, lane)));
  await Promise.all([...lanes, handleEvents(clients, ledger).catch(() => undefined)]);
}
