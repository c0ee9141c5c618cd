import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { limits, MiB } from "#base/limits.ts";
import { readSnapshot, type SnapshotRecord } from "./snapshot-file.ts";
import { writeRecord } from "./store-record.ts";

/** Records of one batch: all of them are on disk, or none. */
const batchCount = Math.min(500, limits.storeBatchCountMax);
/** Values of one batch, in base64 well below the largest message. */
const batchBytes = 8 * MiB;

/** `micro store restore`: records of a snapshot. */
export const restore: Command = {
  kind: "command",
  summary: "Bring the records of a snapshot back",
  usage: "",
  details:
    "micro store restore --source records.jsonl\n\n" +
    "Records of the same key are replaced, others stay; doing it twice changes nothing more. A damaged file is refused\n" +
    "before anything is written. A record whose life has ended meanwhile does not come back.",
  flags: [{ name: "source", kind: "string", placeholder: "FILE", help: "a file of micro store snapshot" }],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, flags, isJson }) => {
    const source = flags.text("source");
    if (source === undefined) throw new CommandError("Missing flag; usage: micro store restore --source FILE");
    for await (const _ of readSnapshot(source));
    const progress = startProgress();
    let records = 0;
    try {
      for await (const batch of batchesOf(readSnapshot(source))) {
        await writeBatch(session, batch);
        records += batch.length;
        progress.show(`restore: ${records} records`);
      }
    } finally {
      progress.clear();
    }
    if (isJson) printJson({ records });
    else printLine(`${records} records restored from ${source}`);
  },
};

async function writeBatch(session: Session, batch: readonly SnapshotRecord[]): Promise<void> {
  const [first] = batch;
  if (first === undefined) return;
  await session.call("store", "Store.Batch", {
    operations: batch.map((record) => ({ write: writeRecord(record) })),
    options: { database: first.database, table: first.table },
  });
}

/** Records of one table at a time, in batches that one message takes. */
async function* batchesOf(records: AsyncIterable<SnapshotRecord>): AsyncGenerator<readonly SnapshotRecord[]> {
  let batch: SnapshotRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    const [first] = batch;
    const isOther = first !== undefined && (first.database !== record.database || first.table !== record.table);
    if (isOther || batch.length === batchCount || bytes + record.value.length > batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += record.value.length;
  }
  if (batch.length > 0) yield batch;
}
