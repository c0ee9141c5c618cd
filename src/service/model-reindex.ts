import { MicroError } from "#base/error.ts";
import type { StoreRecord } from "#interface/store.ts";
import { separator } from "./model-key.ts";
import type { ModelDeps } from "./model-reader.ts";
import { recordPrefix } from "./model-record.ts";
import type { Schema } from "./schema-kind.ts";
import type { StoreStep } from "./store-table.ts";

/**
 * Writes the index entries of every record, then removes the entries that lead to no record with their value. Each step
 * holds only while its record stays as it was read, so others may write meanwhile.
 *
 * @returns how many records there are
 * @throws MicroError `conflict` when two records hold the same value of a unique index.
 */
export async function reindex<S extends Schema>(deps: ModelDeps<S>): Promise<number> {
  // Entries that lead nowhere would keep others out of a unique index, so they go first.
  for (const prefix of [`i${separator}`, `u${separator}`]) {
    for await (const entry of walk(deps, prefix)) await removeStale(deps, entry);
  }
  let count = 0;
  for await (const record of walk(deps, recordPrefix)) {
    await addMissing(deps, record);
    count += 1;
  }
  return count;
}

/** Records read in one call. */
const pageCount = 100;

async function* walk<S extends Schema>({ table }: ModelDeps<S>, prefix: string): AsyncGenerator<StoreRecord, void> {
  let after: string | undefined;
  for (;;) {
    const page = await table.list({ prefix, after, order: "asc", limit: pageCount });
    yield* page;
    after = page.at(-1)?.key;
    if (page.length < pageCount) return;
  }
}

async function removeStale<S extends Schema>(deps: ModelDeps<S>, entry: StoreRecord): Promise<void> {
  const recordKey = new TextDecoder().decode(entry.value);
  const record = await deps.table.read(recordKey);
  if (record !== undefined && entriesOf(deps, record).has(entry.key)) return;
  await unlessChanged(() =>
    deps.table.write([
      { kind: "check", key: recordKey, expectedRevision: record?.revision ?? 0 },
      { kind: "delete", key: entry.key, expectedRevision: entry.revision },
    ]),
  );
}

async function addMissing<S extends Schema>(deps: ModelDeps<S>, record: StoreRecord): Promise<void> {
  const entries = [...entriesOf(deps, record)];
  const found = await deps.table.readAll(entries.map(([key]) => key));
  const changes: StoreStep[] = [{ kind: "check", key: record.key, expectedRevision: record.revision }];
  for (const [index, [key, { field, value }]] of entries.entries()) {
    const there = found[index];
    const owner = there === undefined ? undefined : new TextDecoder().decode(there.value);
    if (owner === record.key) continue;
    if (owner !== undefined) {
      const detail = `index ${field} cannot be unique: ${JSON.stringify(value)} is in two records, ${record.key} and ${owner}`;
      throw new MicroError("conflict", detail);
    }
    changes.push({ kind: "write", key, value: new TextEncoder().encode(record.key), expectedRevision: 0 });
  }
  if (changes.length === 1 || (await unlessChanged(() => deps.table.write(changes)))) return;
  // Changed meanwhile: whoever did it wrote only the entries whose value is another one now.
  const current = await deps.table.read(record.key);
  if (current !== undefined) await addMissing(deps, current);
}

function entriesOf<S extends Schema>(
  { records }: ModelDeps<S>,
  record: StoreRecord,
): ReturnType<typeof records.entries> {
  return records.entries(records.fromBytes(record.value, record.key));
}

/** False when what was read is not there any more as it was. */
async function unlessChanged(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (reason) {
    if (MicroError.is(reason) && reason.code === "conflict") return false;
    throw reason;
  }
}
