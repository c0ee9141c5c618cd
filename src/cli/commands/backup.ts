import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { writeAside, type AsideFile } from "#cli/output/aside-file.ts";
import { bytesOf, formatSize } from "#cli/output/format-bytes.ts";
import { printJson, printLine } from "#cli/output/print.ts";
import { startProgress, type ProgressLine } from "#cli/output/progress-line.ts";
import { fieldsOf, numberOf } from "#cli/service-answer.ts";
import { oneMessage } from "#cli/standard-input.ts";
import { MicroError } from "#base/error.ts";

/** `micro backup FILE`: everything that the server keeps, while it runs. */
export const command: Command = {
  kind: "command",
  summary: "Copy everything that the server keeps to a file",
  usage: "FILE",
  details:
    "micro backup micro-2026-01-31.tar\n\n" +
    "Accounts, keys, configuration with its secrets, records, blobs, events and the sources of services, as they are while\n" +
    "the server goes on. Keep the file safe: whoever has it has the server. It is a tar archive whose manifest.json holds\n" +
    "the checksum of each file; all of them are checked before the file gets its name. Takes an administrator of the\n" +
    "installation. To bring it back: micro restore.",
  flags: [{ name: "force", kind: "bool", help: "replace the file when it is there" }],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [target = ""], flags, isJson }) => {
    const progress = startProgress();
    try {
      const made = await writeAside(target, { mayReplace: flags.isOn("force") }, async (file) => {
        progress.show("backup: the server copies its state");
        await receive(session, file, progress);
        progress.show("backup: checking");
        await file.sync();
        const { fileCount, createdAtMs } = await check(file.path);
        return { file: target, bytes: file.sizeBytes, files: fileCount, created: new Date(createdAtMs).toISOString() };
      });
      progress.clear();
      if (isJson) printJson(made);
      else printLine(`${target}: ${made.files} files, ${formatSize(made.bytes)}`);
    } finally {
      progress.clear();
    }
  },
};

async function receive(session: Session, file: AsideFile, progress: ProgressLine): Promise<void> {
  let sizeBytes: number | undefined;
  for await (const message of session.stream({ service: "backup", endpoint: "Backup.Create" }, oneMessage("{}"))) {
    const fields = fieldsOf(message);
    sizeBytes ??= numberOf(fields["size"]);
    await file.write(bytesOf(fields["data"]));
    progress.show(`backup: ${formatSize(file.sizeBytes)} of ${formatSize(sizeBytes)}`);
  }
  if (file.sizeBytes === sizeBytes) return;
  throw new CommandError(`The backup is cut off: ${file.sizeBytes} bytes of ${sizeBytes ?? 0} came`, {
    code: "bad_gateway",
  });
}

/** Reads back what was written. */
async function check(path: string): Promise<{ readonly fileCount: number; readonly createdAtMs: number }> {
  const { checkBackup } = await import("#core/backup/restore-home.ts");
  try {
    const { files, createdAtMs } = await checkBackup(path);
    return { fileCount: files.length, createdAtMs };
  } catch (reason) {
    throw new CommandError(`What came is damaged, try again: ${MicroError.from(reason).detail}`, { cause: reason });
  }
}
