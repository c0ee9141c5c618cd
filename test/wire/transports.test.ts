import { join } from "node:path";
import { describe, expect, it } from "bun:test";
import { createTempFolder } from "#testing/temp-folder.ts";
import { exerciseTransports, expectedFindings, type Findings } from "./exercise-transports.ts";
import { startEcho, type EchoServer, type Runtime } from "./start-echo.ts";

/** Runs the same checks in a Node process, which must end by itself once its clients are closed. */
async function exerciseOnNode(server: EchoServer): Promise<Findings> {
  await using folder = await createTempFolder();
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "transport-program.ts")],
    outdir: folder.path,
    target: "node",
    naming: "[name].mjs",
  });
  expect(built.success).toBe(true);
  const addresses = JSON.stringify({
    rpc: server.rpc,
    rpcUnix: server.rpcUnix,
    http: server.http,
    httpUnix: server.httpUnix,
  });
  const child = Bun.spawn(["node", join(folder.path, "transport-program.mjs"), addresses], {
    stdout: "pipe",
    stderr: "inherit",
    timeout: 30_000,
  });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return JSON.parse(text) as Findings;
}

describe("transports", () => {
  for (const client of ["bun", "node"] as const satisfies Runtime[]) {
    for (const runtime of ["bun", "node"] as const satisfies Runtime[]) {
      it(`carry every kind of call from ${client} to our server on ${runtime}`, async () => {
        await using server = await startEcho(runtime);
        const findings = await (client === "bun" ? exerciseTransports(server) : exerciseOnNode(server));
        expect(Object.keys(findings)).toHaveLength(12);
        for (const [route, found] of Object.entries(findings))
          expect({ route, found }).toEqual({ route, found: expectedFindings });
      }, 30_000);
    }
  }
});
