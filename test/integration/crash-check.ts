import { expect } from "bun:test";
import { counterKey, crashConsumer, crashTopic, handleEvent, type Ledger, type StateClients } from "./crash-load.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Checks everything that was ever acknowledged against what the server has now. */
export async function checkServer(clients: StateClients, ledger: Ledger): Promise<void> {
  await checkRecords(clients, ledger);
  await checkBlobs(clients, ledger);
  await checkSettings(clients, ledger);
  await checkEvents(clients, ledger);
  const { accounts } = await clients.accounts.list({});
  expect(missing(ledger.accounts, new Set(accounts.map((each) => each.id)))).toEqual([]);
  const { rules } = await clients.rules.list({});
  expect(missing(ledger.rules, new Set(rules.map((each) => each.id)))).toEqual([]);
}

async function checkRecords({ store }: StateClients, ledger: Ledger): Promise<void> {
  const found = new Map<string, string>();
  for (let after = ""; ;) {
    const { records } = await store.read({ options: { prefix: true, limit: 1_000n, after } });
    for (const { key, value } of records) found.set(key, decode(value));
    after = records.at(-1)?.key ?? "";
    if (after === "") break;
  }
  expect([...ledger.records].filter(([key, value]) => found.get(key) !== value)).toEqual([]);
  expect([...ledger.removed].filter((key) => found.has(key))).toEqual([]);
  const halves = [...found.keys()].filter((key) => key.startsWith("pair"));
  expect(
    missing(
      [...ledger.pairs].flatMap((name) => [`${name}-a`, `${name}-b`]),
      new Set(halves),
    ),
  ).toEqual([]);
  expect(halves.filter((key) => !found.has(key.replace(/-[ab]$/, key.endsWith("-a") ? "-b" : "-a")))).toEqual([]);
  expectBetween(Number(found.get(counterKey) ?? "0"), ledger.counter);
}

async function checkBlobs({ blobs }: StateClients, ledger: Ledger): Promise<void> {
  for (const [key, content] of ledger.blobs) {
    let text = "";
    for await (const { blob } of blobs.read({ key })) text += decode(blob);
    expect(text === content ? "" : `${key} is not what was acknowledged`).toBe("");
  }
}

async function checkSettings({ config }: StateClients, ledger: Ledger): Promise<void> {
  for (const [path, known] of ledger.settings) {
    if (known.acknowledged === 0) continue;
    const { value } = await config.get({ path });
    expectBetween(Number(value?.data), known);
  }
}

async function checkEvents(clients: StateClients, ledger: Ledger): Promise<void> {
  const found = new Map<string, { readonly sequence: bigint; readonly payload: string }>();
  for (let next = 1n; ;) {
    const { events } = await clients.history.read({ topic: crashTopic, startSequence: next, limit: 5_000n });
    if (events.length === 0) break;
    for (const { id, sequence, payload } of events) {
      expect(sequence).toBe(next);
      next += 1n;
      found.set(id, { sequence, payload: decode(payload) });
    }
  }
  for (const [id, event] of ledger.events) expect(found.get(id)).toEqual(event);
  await checkGroup(clients, ledger, found.keys());
}

/** What the group acknowledged never comes again; all that it did not comes. Everything is acknowledged on the way. */
async function checkGroup({ stream }: StateClients, ledger: Ledger, ids: Iterable<string>): Promise<void> {
  const waiting = new Set(missing(ids, ledger.handling));
  if (waiting.size === 0) return;
  for await (const { id } of stream.consume(crashConsumer)) {
    expect(ledger.handled.has(id)).toBe(false);
    await handleEvent(stream, ledger, id);
    waiting.delete(id);
    if (waiting.size === 0) return;
  }
}

function expectBetween(value: number, { acknowledged, tried }: { acknowledged: number; tried: number }): void {
  expect(value).toBeGreaterThanOrEqual(acknowledged);
  expect(value).toBeLessThanOrEqual(tried);
}

function missing(wanted: Iterable<string>, found: ReadonlySet<string>): string[] {
  return [...wanted].filter((each) => !found.has(each));
}
