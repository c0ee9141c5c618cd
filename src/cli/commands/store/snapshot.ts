import { CommandError } from "#cli/command-error.ts";
import type { Command, Invocation } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { writeAside, type AsideFile } from "#cli/output/aside-file.ts";
import { formatSize } from "#cli/output/format-bytes.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { readDatabases, readTables } from "./names.ts";
import { readRecords } from "./read-pages.ts";
import { SnapshotWriter } from "./snapshot-file.ts";
import { scopeFlags, type RecordScope } from "./store-scope.ts";

/** `micro store snapshot`: records in a file. */
export const snapshot: Command = {
  kind: "command",
  summary: "Write records to a file",
  usage: "",
  details:
    "micro store snapshot --destination records.jsonl\nmicro store snapshot --database acme --table users\n\n" +
    "Writes the records of all databases, or of one, or of one table, as JSON lines. In another namespace than micro it is\n" +
    "the database of that namespace. For everything that a server keeps, see micro backup.",
  flags: [
    {
      name: "destination",
      kind: "string",
      placeholder: "FILE",
      variable: "MICRO_SNAPSHOT_DESTINATION",
      help: "default store-snapshot-DATE.jsonl here",
    },
    ...scopeFlags.map((flag) => ({ ...flag, help: `only this ${flag.name}` })),
    { name: "force", kind: "bool", help: "replace the file when it is there" },
  ],
  wordCount: { min: 0, max: 0 },
  run: async (invocation) => {
    const { session, flags, isJson } = invocation;
    const nowMs = Date.now();
    const destination = flags.text("destination") ?? `store-snapshot-${toStamp(nowMs)}.jsonl`;
    const scopes = await findScopes(invocation);
    const progress = startProgress();
    let records = 0;
    let sizeBytes = 0;
    try {
      await writeAside(destination, { mayReplace: flags.isOn("force") }, async (file) => {
        const onRecord = (): void => {
          records += 1;
          if (records % 100 === 0) progress.show(`snapshot: ${records} records, ${formatSize(file.sizeBytes)}`);
        };
        await writeScopes(session, scopes, { file, nowMs, onRecord });
        sizeBytes = file.sizeBytes;
      });
    } finally {
      progress.clear();
    }
    if (isJson) printJson({ file: destination, records, bytes: sizeBytes });
    else printLine(`${destination}: ${records} records, ${formatSize(sizeBytes)}`);
  },
};

async function writeScopes(
  session: Session,
  scopes: readonly RecordScope[],
  { file, nowMs, onRecord }: { readonly file: AsideFile; readonly nowMs: number; readonly onRecord: () => void },
): Promise<void> {
  const encoder = new TextEncoder();
  const writer = new SnapshotWriter();
  await file.write(encoder.encode(writer.head(nowMs)));
  for (const scope of scopes) {
    const query = { ...scope, key: "", prefix: true, suffix: false, limit: Infinity, offset: 0, order: "asc" };
    for await (const record of readRecords(session, query)) {
      await file.write(encoder.encode(writer.record({ ...scope, ...record })));
      onRecord();
    }
  }
  await file.write(encoder.encode(writer.end()));
}

async function findScopes({ session, flags }: Invocation): Promise<readonly RecordScope[]> {
  const database = flags.text("database");
  const table = flags.text("table");
  const own = database ?? session.namespace;
  if (table !== undefined) return [{ database: own, table }];
  const databases = database === undefined && own === "micro" ? await readDatabases(session) : [own];
  const scopes: RecordScope[] = [];
  for (const each of databases) {
    for (const name of await readTables(session, each)) scopes.push({ database: each, table: name });
  }
  if (scopes.length > 0 || database === undefined) return scopes;
  throw new CommandError(`Database ${database} has no tables: nothing to write`, { code: "not_found" });
}

function toStamp(nowMs: number): string {
  return new Date(nowMs)
    .toISOString()
    .replaceAll(/[-:]|\..*/g, "")
    .replace("T", "-");
}
