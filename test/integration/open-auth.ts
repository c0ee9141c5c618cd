import { afterAll, beforeAll } from "bun:test";
import { createLogger } from "#base/logger.ts";
import { createAuth } from "#core/auth/auth.ts";
import { createSigningKeys } from "#core/auth/signing-keys.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";
import { createTempFolder, type TempFolder } from "#testing/temp-folder.ts";

/** Where the tests of auth act when they do not say otherwise. */
export const namespace = "micro";

/** One key pair for all tests of a file: making one takes long. */
export const testKeys = await createSigningKeys();

/** Auth over a store on disk, with a clock that the test moves. */
export async function openAuth(folder: string) {
  const clock = { nowMs: Date.now(), now: () => clock.nowMs };
  const lines: string[] = [];
  const store = await SqliteStore.open({ folder, clock });
  const auth = await createAuth({
    store,
    keys: testKeys,
    clock,
    logger: createLogger({ write: (line) => lines.push(line) }),
  });
  const { accounts, desk, refresh, ruleBook } = auth.parts;
  return {
    auth,
    store,
    clock,
    lines,
    accounts,
    desk,
    refresh,
    ruleBook,
    login: (id: string, secret: string, lifetimeMs = 0, address = "10.0.0.1") =>
      desk.withSecret({ namespace, id, secret, address, lifetimeMs }),
    renew: (token: string, inNamespace = namespace) =>
      desk.withRefreshToken({ namespace: inNamespace, token, lifetimeMs: 0 }),
    close: async () => {
      await auth.stop();
      await store.close();
    },
  };
}

export type Opened = Awaited<ReturnType<typeof openAuth>>;

/** One auth for the tests of a group; each test uses accounts of its own. */
export function openForGroup(): () => Opened {
  let folder: TempFolder;
  let opened: Opened;
  beforeAll(async () => {
    folder = await createTempFolder();
    opened = await openAuth(folder.path);
  });
  afterAll(async () => {
    await opened.close();
    await folder[Symbol.asyncDispose]();
  });
  return () => opened;
}
