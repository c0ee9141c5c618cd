import { chmod, mkdir } from "node:fs/promises";
import type { HomePaths } from "#base/home.ts";
import { MicroError } from "#base/error.ts";

/**
 * Makes MICRO_HOME where it is missing and closes it to everybody but its owner.
 *
 * @throws MicroError `permission_denied` when it cannot be made or is not ours.
 */
export async function prepareHomeFolder(paths: HomePaths): Promise<void> {
  try {
    await mkdir(paths.home, { recursive: true, mode: 0o700 });
    await chmod(paths.home, 0o700);
  } catch (reason) {
    throw new MicroError(
      "permission_denied",
      `MICRO_HOME ${paths.home} cannot be made or used; set it to a folder of yours`,
      {
        cause: reason,
      },
    );
  }
}
