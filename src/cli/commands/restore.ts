import { existsSync, rmSync } from "node:fs";
import { CommandError } from "#cli/command-error.ts";
import type { Command } from "#cli/command.ts";
import { formatSize } from "#cli/output/format-bytes.ts";
import { printJson, printLine, printNote } from "#cli/output/print.ts";
import { startProgress } from "#cli/output/progress-line.ts";
import { MicroError } from "#base/error.ts";
import { resolveHome, type HomePaths } from "#base/home.ts";
import { version } from "#base/version.ts";

/** `micro restore FILE`: makes the home of this machine's server what it was. */
export const command: Command = {
  kind: "command",
  summary: "Bring back what micro backup copied",
  usage: "FILE",
  details:
    "micro restore micro-2026-01-31.tar\n\n" +
    "Works on MICRO_HOME (default ~/.micro) of this machine, while no server runs there. Everything in the file is checked\n" +
    "before anything is replaced. A home that is in use is refused; with --force its state is moved to before-restore-TIME\n" +
    "inside of it. An interrupted restore leaves the old state or the new one. Logins, settings and logs stay as they are.",
  flags: [{ name: "force", kind: "bool", help: "set the present state of the home aside" }],
  wordCount: { min: 1, max: 1 },
  run: async ({ words: [file = ""], flags, isJson }) => {
    if (!existsSync(file)) throw new CommandError(`${file}: there is no such file`);
    const paths = resolveHome(process.env);
    const progress = startProgress();
    try {
      progress.show("restore: checking");
      const { manifest, previous } = await restore({ file, paths, isForced: flags.isOn("force") });
      progress.clear();
      const bytes = manifest.files.reduce((sum, each) => sum + each.sizeBytes, 0);
      const created = new Date(manifest.createdAtMs).toISOString();
      const count = manifest.files.length;
      if (isJson) return printJson({ home: paths.home, files: count, bytes, created, previous: previous ?? null });
      printLine(`${paths.home}: ${count} files, ${formatSize(bytes)}, as of ${created}`);
      if (previous !== undefined) printNote(`what was there is in ${previous}; remove it when it is no longer needed`);
    } catch (reason) {
      if (!MicroError.is(reason) || reason instanceof CommandError) throw reason;
      // A plain failure of this command; the other exit codes speak of a server that answered.
      throw new CommandError(reason.detail, { code: reason.code, cause: reason });
    } finally {
      progress.clear();
    }
  },
};

interface Request {
  readonly file: string;
  readonly paths: HomePaths;
  readonly isForced: boolean;
}

/** The server's code is loaded here, because no other command of a client needs it. */
async function restore({ file, paths, isForced }: Request) {
  const [backup, { prepareHomeFolder }, { acquireServerLock }] = await Promise.all([
    import("#core/backup/restore-home.ts"),
    import("#server/home-folder.ts"),
    import("#server/server-lock.ts"),
  ]);
  process.umask(0o077);
  const isNewHome = !existsSync(paths.home);
  if (isNewHome) await backup.checkBackup(file, { paths, version });
  await prepareHomeFolder(paths);
  const hadLock = existsSync(paths.lockFile);
  const lock = takeLock(() => acquireServerLock(paths.lockFile, paths.home), paths);
  try {
    await backup.requireReplaceable({ paths, isForced });
    return await backup.restoreHome({ file, paths, version, isForced, nowMs: Date.now() });
  } catch (reason) {
    if (!hadLock) rmSync(paths.lockFile, { force: true });
    if (isNewHome) rmSync(paths.home, { recursive: true, force: true });
    throw reason;
  } finally {
    lock.release();
  }
}

function takeLock<T>(acquire: () => T, { home }: HomePaths): T {
  try {
    return acquire();
  } catch (reason) {
    const detail = `a micro server is running on ${home}: stop it, then restore`;
    throw new CommandError(detail, { code: "conflict", cause: reason });
  }
}
