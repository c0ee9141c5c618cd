import { describe, expect, it } from "bun:test";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";
import { testWorkersVariable } from "#testing/start-server.ts";

const root = new URL("../..", import.meta.url).pathname;

/** What must be true of a server is true of one with workers: the tests of a server alone, run on such a one. */
const suites = [
  "test/integration/bad-input-http.test.ts",
  "test/integration/core-ports.test.ts",
  "test/integration/grpc-clients.test.ts",
  "test/integration/safety-access.test.ts",
  "test/integration/safety-tokens.test.ts",
  "test/wire/gateway-drain.test.ts",
  "test/wire/gateway-tls.test.ts",
];

describe("a server with workers", () => {
  it.each(suites)(
    "passes %s",
    async (suite) => {
      const env = { ...baseEnvironment(), [testWorkersVariable]: "2" };
      const run = await runCommand([process.execPath, "test", suite, "--timeout", "60000"], {
        cwd: root,
        env,
        timeoutMs: 120_000,
      });
      // What it said is shown where it failed.
      expect({ code: run.code, said: run.code === 0 ? "" : run.stderr }).toEqual({ code: 0, said: "" });
    },
    130_000,
  );
});
