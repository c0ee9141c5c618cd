import { describe, expect, it } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { startBroker, testToken } from "../conformance/broker-server.ts";

const program = `
import { createBroker } from "micro-ts/broker";
import { createClient } from "micro-ts/client";
const client = createClient({ address: process.env.NETWORK, token: process.env.TOKEN });
const broker = createBroker(client);
const count = 3_000;
const messages = broker.subscribe("numbers.*");
const slow = broker.subscribe("numbers.>");
await Promise.all([messages.ready, slow.ready]);
const sent = Array.from({ length: count }, (_, index) => broker.publish("numbers.new", { index }));
let next = 0;
for await (const message of messages) {
  if (message.json().index !== next) throw new Error("out of order at " + next);
  next += 1;
  if (next === count) break;
}
await Promise.all(sent);
await slow.stop();
await client.stop();
console.log(next, messages.dropped, messages.gaps);
`;

describe("micro-ts/broker on Node", () => {
  it("publishes, subscribes, and lets the process end", async () => {
    await using server = await startBroker();
    await using folder = await createTempFolder();
    await buildSdk(join(folder.path, "node_modules/micro-ts"));
    await writeFile(join(folder.path, "package.json"), '{"type": "module"}');
    await writeFile(join(folder.path, "main.js"), program);
    const env = { ...baseEnvironment(), NETWORK: server.address, TOKEN: testToken };
    const { code, stdout, stderr } = await runCommand(["node", "main.js"], { cwd: folder.path, env });
    expect([code, stdout.trim(), stderr]).toEqual([0, "3000 0 0", ""]);
  }, 60_000);
});
