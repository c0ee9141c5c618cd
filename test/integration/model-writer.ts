/**
 * One of several writers of the same few records: adds to counters, takes and leaves slots that only one may hold,
 * creates and deletes. Prints what it did.
 */
import { MicroError } from "#base/error.ts";
import { createClient } from "#service/client.ts";
import { createModel, z } from "#service/model.ts";
import { anyToken } from "./sdk-state-server.ts";

const [address = "", seed = ""] = process.argv.slice(2);
const client = createClient({ address, token: anyToken, name: "lab", namespace: "micro" });
const counters = createModel(client, "counters", {
  schema: z.object({ id: z.string(), value: z.number(), slot: z.string().optional() }),
  key: "id",
  indexes: { value: {}, slot: { unique: true } },
});

let added = 0;
let slots = 0;

/** Undefined where others were there first. */
async function unlessTaken<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (reason) {
    if (MicroError.is(reason) && (reason.code === "conflict" || reason.code === "not_found")) return undefined;
    throw reason;
  }
}

async function run(lane: number): Promise<void> {
  for (let round = 0; round < 25; round += 1) {
    const counter = `c${(lane + round) % 3}`;
    await counters.update(counter, (record) => ({ ...record, value: record.value + 1 }));
    added += 1;
    const mine = `w${round % 5}`;
    await unlessTaken(counters.create({ id: mine, value: -round }));
    const slot = `slot ${(lane + Number(seed)) % 4}`;
    const changed = await unlessTaken(counters.update(mine, (record) => ({ ...record, value: -round, slot })));
    if (changed !== undefined) slots += 1;
    if (round % 3 === 0) await counters.delete(mine);
  }
}

await Promise.all([0, 1, 2, 3].map(run));
await client.stop();
process.stdout.write(JSON.stringify({ added, slots }));
