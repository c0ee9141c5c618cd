import { fstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { HomePaths, ServerFile } from "#base/home.ts";
import { MicroError } from "#base/error.ts";
import type { Logger } from "#base/logger.ts";
import { removeBackupLeftovers } from "#core/backup/backup-maker.ts";
import { finishRestore } from "#core/backup/restore-plan.ts";
import { announceServer, type AnnouncedServer } from "./announcement.ts";
import { composeServer, type ComposedServer } from "./compose-server.ts";
import { prepareHomeFolder } from "./home-folder.ts";
import { wantsLocalLogin, writeLocalLogin } from "./local-login.ts";
import { createServerLogger, type ServerLogger } from "./server-logger.ts";
import { acquireServerLock, type ServerLock } from "./server-lock.ts";
import { resolveServerOptions, type RawServerOptions, type ServerConfig } from "./server-options.ts";
import { version } from "#base/version.ts";
import { writePrivateFile } from "./write-file.ts";

/** How long the login of the local user lasts before the command line renews it, in milliseconds. */
const localTokenMs = 24 * 3_600_000;

/**
 * `micro server`: runs until SIGINT or SIGTERM, then stops cleanly. Lines for people go to standard output, the log to
 * standard error.
 *
 * @throws MicroError one line that says what keeps the server from starting.
 */
export async function runServer(options: RawServerOptions): Promise<void> {
  const config = resolveServerOptions(options, process.env);
  const log = createServerLogger(config);
  // Whatever this process writes is its owner's, also what SQLite and services write.
  process.umask(0o077);
  await prepareHomeFolder(config.paths);
  const lock = acquireServerLock(config.paths.lockFile, config.paths.home);
  const stopped = awaitStopSignal();
  const server = await startLocked(config, log, lock);
  const signal = await stopped;
  log.logger.info("stopping", { signal });
  await rm(config.paths.serverFile, { force: true });
  await server.stop();
  await log.serverLogs.stop();
  lock.release();
}

async function startLocked(config: ServerConfig, log: ServerLogger, lock: ServerLock): Promise<ComposedServer> {
  const { logger } = log;
  try {
    await clearUp(config.paths, logger);
    const server = await composeServer({ ...log, config, version });
    const administrator = await server.auth.ensureAdministrator(config.adminSecret);
    await logIn(config, server, administrator !== undefined);
    await publish(config, server);
    const { addresses } = server;
    const announced = {
      addresses,
      isSecure: config.tlsFiles !== undefined,
      home: config.paths.home,
      version,
      ...(administrator === undefined ? {} : { administrator: toAnnounced(administrator, config) }),
    };
    logger.info("started", { version, ...addresses });
    process.stdout.write(`${announceServer(announced).join("\n")}\n`);
    server
      .startServices()
      .catch((reason: unknown) => logger.error("services could not be started", { error: MicroError.from(reason) }));
    return server;
  } catch (reason) {
    lock.release();
    throw reason;
  }
}

/** The journal of systemd may be read by others, and a secret that was chosen is known. */
function toAnnounced(
  { id, secret }: { readonly id: string; readonly secret: string },
  { adminSecret }: ServerConfig,
): NonNullable<AnnouncedServer["administrator"]> {
  if (adminSecret !== undefined) return { id, secret: { kind: "chosen" } };
  return { id, secret: isJournal(process.env["JOURNAL_STREAM"]) ? { kind: "hidden" } : { kind: "shown", secret } };
}

/** Whether standard output goes to the journal: the variable, which children inherit, names the stream, see systemd.exec(5). */
function isJournal(stream: string | undefined): boolean {
  const { dev, ino } = fstatSync(1);
  return stream === `${dev}:${ino}`;
}

/** Brings to its end what a restore or a backup left that was cut off. */
async function clearUp(paths: HomePaths, logger: Logger): Promise<void> {
  if (await finishRestore(paths)) logger.info("a restore that was cut off is done");
  await removeBackupLeftovers(paths.backupFolder);
}

/** The local user is logged in, unless he logged out or the administrator is gone, which is somebody's decision. */
async function logIn({ paths }: ServerConfig, { auth }: ComposedServer, isNew: boolean): Promise<void> {
  const account = await auth.findAdministrator();
  if (account === undefined || !(isNew || (await wantsLocalLogin(paths, account)))) return;
  const tokens = await auth.issueLocalToken(account, localTokenMs);
  await writeLocalLogin(paths, { account, tokens, isNew });
}

/** Writes where the server listens, and what lets a service started by hand join it. */
async function publish({ paths, workerCount }: ServerConfig, server: ComposedServer): Promise<void> {
  const { auth, addresses } = server;
  const file: ServerFile = {
    pid: process.pid,
    version,
    startedAtMs: Date.now(),
    ...addresses,
    ...(workerCount === 0 ? {} : { workers: workerCount }),
    publicKey: auth.publicKey,
  };
  const local = { namespace: "micro", service: "local", version: "latest", instance: "" };
  await writePrivateFile(paths.serviceCredentialsFile, `${JSON.stringify(await auth.identities.issue(local))}\n`);
  await writePrivateFile(paths.serverFile, `${JSON.stringify(file, null, 2)}\n`);
}

/** The name of the first signal that asks the process to stop; a second one ends it at once. */
function awaitStopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
    }
  });
}
