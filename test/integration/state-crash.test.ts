import { describe, expect, it } from "bun:test";
import { delay } from "#base/lifecycle.ts";
import { createClient } from "#service/client.ts";
import { createPowerCut } from "#testing/power-cut.ts";
import { canPreload } from "#testing/preload-library.ts";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { checkServer } from "./crash-check.ts";
import { createStateClients, Ledger, loadServer, type StateClients } from "./crash-load.ts";

/** The long run: MICRO_CRASH_ROUNDS=300 bun test test/integration/state-crash.test.ts --timeout 3600000 */
const roundCount = Number(process.env["MICRO_CRASH_ROUNDS"] ?? "10");

/** Folders whose content must survive, below the home. */
const kept = ["store", "events", "blobs"];

async function withClients(server: TestServer, work: (clients: StateClients) => Promise<void>): Promise<void> {
  const client = createClient({ address: server.addresses.network, token: await server.token(), variables: {} });
  try {
    await work(createStateClients(client));
  } finally {
    await client.stop();
  }
}

/** Everything is written at once; the server dies at a random moment, once something was acknowledged. */
async function loadAndKill(server: TestServer, ledger: Ledger, round: number): Promise<void> {
  await withClients(server, async (clients) => {
    const before = ledger.size;
    const load = loadServer(clients, ledger, round);
    const quiet = new AbortController();
    const killed = (async () => {
      while (ledger.size < before + 20) await delay(5, quiet.signal);
      await delay(Math.random() * 300);
      await server.kill("SIGKILL");
    })();
    await Promise.all([load, killed]);
  });
}

describe("the server after kill -9 under load", () => {
  it("has everything that it acknowledged", async () => {
    await using server = await startServer();
    const ledger = new Ledger();
    for (let round = 0; round < roundCount; round += 1) {
      await loadAndKill(server, ledger, round);
      await server.start();
      await withClients(server, (clients) => checkServer(clients, ledger));
    }
    expect(ledger.size).toBeGreaterThan(20 * roundCount);
  });
});

describe("the server after a power cut under load", () => {
  it.skipIf(!canPreload())("has everything that it acknowledged", async () => {
    await using folder = await createTempFolder();
    const home = `${folder.path}/m`;
    await using cut = await createPowerCut(home);
    await cut.arm([]);
    await using server = await startServer({ env: { ...cut.env, MICRO_HOME: home } });
    const ledger = new Ledger();
    for (let round = 0; round < roundCount; round += 1) {
      await loadAndKill(server, ledger, round);
      await cut.strike(kept);
      await cut.arm(kept);
      await server.start();
      await withClients(server, (clients) => checkServer(clients, ledger));
    }
    expect(ledger.size).toBeGreaterThan(20 * roundCount);
  });
});
