/** `bun config-rotator.ts FOLDER`: changes secrets and rotates their key over and over, until it is killed. */
import { openConfigKeys } from "#core/config/config-keys.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { SqliteStore } from "#core/store/sqlite-store.ts";

const [folder = ""] = process.argv.slice(2);
const store = await SqliteStore.open({ folder: `${folder}/store` });
const config = new StoreConfig({ store, keys: await openConfigKeys(`${folder}/config_secret_key`) });
for (let round = 1; ; round += 1) {
  const changes = ["one", "two", "three"].map((namespace) =>
    config.set({ namespace, path: `key${round % 5}` }, `"hunter2 ${namespace}"`, { account: "lab", isSecret: true }),
  );
  await Promise.all([...changes, config.rotateKey()]);
  await Bun.write(Bun.stdout, `${round}\n`);
}
