import type { HomePaths } from "#base/home.ts";
import { createLogger } from "#base/logger.ts";
import type { AdministratorReset } from "#core/auth/reset-access.ts";
import { MicroError } from "#base/error.ts";
import { openAuth } from "./open-auth.ts";
import { OwnedParts } from "./owned-parts.ts";
import { acquireServerLock, type ServerLock } from "./server-lock.ts";

/**
 * Lets the administrator of a home in again: a new secret, and rules where rules keep him out. Who may write the files of
 * the home may do this.
 *
 * @throws MicroError `conflict` while a server runs on the home, `unavailable` when it cannot be read or written.
 */
export async function resetAdministrator(paths: HomePaths): Promise<AdministratorReset> {
  process.umask(0o077);
  const lock = takeLock(paths);
  const logger = createLogger({ level: "error", write: (line) => void process.stderr.write(`${line}\n`) });
  const parts = new OwnedParts();
  try {
    const { auth } = await openAuth({ paths, logger }, parts);
    return await auth.resetAdministrator();
  } finally {
    await parts.stop();
    lock.release();
  }
}

function takeLock({ lockFile, home }: HomePaths): ServerLock {
  try {
    return acquireServerLock(lockFile, home);
  } catch (reason) {
    const detail = `a micro server is running on ${home}: stop it, then reset`;
    throw new MicroError("conflict", detail, { cause: reason });
  }
}
