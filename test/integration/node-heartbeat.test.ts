import { describe, expect, it } from "bun:test";
import { startServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { waitUntil } from "#testing/wait-until.ts";

/** Node 20 forgets signals that nothing but a wait holds: a service that beats by them falls silent after a while. */
const source = `import { service, z } from "micro-ts";
setInterval(() => globalThis.gc(), 20);
const beater = service("beater", { heartbeatMs: 300 });
beater.endpoint("Call", { request: z.object({}), response: z.object({}), handle: () => ({}) });
await beater.run();
`;

describe("a service on Node", () => {
  it("goes on beating when memory is collected between two beats", async () => {
    await using server = await startServer();
    await using folder = await createTempFolder();
    await Bun.write(`${folder.path}/index.mjs`, source);
    const command = ["--command", "node --expose-gc index.mjs", "--name", "beater"];
    expect(await server.micro(["run", folder.path, ...command])).toMatchObject({ code: 0 });
    const entry = JSON.parse((await server.micro(["describe", "beater", "-o", "json"])).stdout) as unknown[];
    const forget = ["call", "registry", "Registry.Deregister", JSON.stringify(entry[0])];
    expect(await server.micro(forget)).toMatchObject({ code: 0 });
    await waitUntil("the next beat", async () => (await server.micro(["services"])).stdout.includes("beater"));
  }, 60_000);
});
