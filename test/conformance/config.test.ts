import { describeConfig } from "#conformance/config-suite.ts";
import { openConfigKeys } from "#core/config/config-keys.ts";
import { StoreConfig } from "#core/config/store-config.ts";
import { MemoryStore } from "#core/store/memory-store.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { ConfigOverRpc } from "./config-over-rpc.ts";
import { openSqliteConfig, serveConfig } from "./config-service.ts";

describeConfig("StoreConfig on MemoryStore", async () => {
  const folder = await createTempFolder();
  const store = new MemoryStore();
  const keyFile = `${folder.path}/config_secret_key`;
  const config = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
  const second = new StoreConfig({ store, keys: await openConfigKeys(keyFile) });
  return {
    config,
    second,
    [Symbol.asyncDispose]: async () => {
      await config.stop();
      await second.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
});

describeConfig("StoreConfig on SqliteStore", async () => {
  const open = await openSqliteConfig();
  const second = new StoreConfig({ store: open.store, keys: await openConfigKeys(open.keyFile) });
  return {
    config: open.config,
    second,
    [Symbol.asyncDispose]: async () => {
      await second.stop();
      await open[Symbol.asyncDispose]();
    },
  };
});

describeConfig("config over RPC", async () => {
  const open = await openSqliteConfig();
  const service = await serveConfig(open.config);
  return {
    config: new ConfigOverRpc(service.client()),
    second: new ConfigOverRpc(service.client()),
    [Symbol.asyncDispose]: async () => {
      await service[Symbol.asyncDispose]();
      await open[Symbol.asyncDispose]();
    },
  };
});
