import type { HomePaths } from "#base/home.ts";
import type { Logger } from "#base/logger.ts";
import { createAuth, type Auth } from "#core/auth/auth.ts";
import { openSigningKeys } from "#core/auth/signing-keys.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import type { OwnedParts } from "./owned-parts.ts";

/**
 * Opens what is kept under the home folder: the store, and auth on it.
 *
 * @throws MicroError that names the file which cannot be read.
 */
export async function openAuth(
  deps: { readonly paths: HomePaths; readonly logger: Logger },
  parts: OwnedParts,
): Promise<{ readonly store: SqliteStore; readonly auth: Auth }> {
  const { paths, logger } = deps;
  const opening = SqliteStore.open({ folder: paths.storeFolder });
  // Owned before it stands: its thread would keep the process alive when the keys cannot be read.
  parts.own({
    stop: () =>
      opening.then(
        (opened) => opened.close(),
        () => undefined,
      ),
  });
  const [store, keys] = await Promise.all([opening, openSigningKeys(paths)]);
  return { store, auth: parts.own(await createAuth({ store, keys, logger })) };
}
