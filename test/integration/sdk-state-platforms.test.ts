import { describe, expect, it } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "#testing/run-command.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { buildSdk } from "../../scripts/build-sdk.ts";
import { anyToken, serveEvents, serveStore } from "./sdk-state-server.ts";

const eventsProgram = `
import { createClient } from "micro-ts/client";
import { createEvents } from "micro-ts/events";
const client = createClient({ address: process.argv[2], token: "${anyToken}" });
const events = createEvents(client);
await Promise.all(Array.from({ length: 500 }, (_, index) => events.publish("t", { index })));
let sum = 0;
for await (const event of events.consume("t", { group: "g", start: "earliest" })) {
  sum += event.json().index;
  if (event.sequence === 250) event.nack({ delayMs: 1 });
  if (event.sequence === 500) { event.ack(); break; }
}
let again = 0;
const handling = events.handle("t", { group: "g" }, (event) => { again += event.attempt > 1 ? 1 : 0; });
while (again === 0) await new Promise(setImmediate);
await handling.stop();
const [group] = await events.groups("t");
console.log(sum, again, group.sequence);
await client.stop();
`;

const modelProgram = `
import { createClient } from "micro-ts/client";
import { createModel, z } from "micro-ts/model";
const client = createClient({ address: process.argv[2], token: "${anyToken}", name: "lab" });
const schema = z.object({ id: z.string(), age: z.number(), joined: z.date() });
const users = createModel(client, "users", { schema, key: "id", indexes: { age: {} } });
await Promise.all([3, 1, 2].map((age) => users.create({ id: "u" + age, age, joined: new Date(0) })));
await users.update("u1", (user) => ({ ...user, age: 9 }));
const { records } = await users.query({ by: "age", from: 2, order: "desc" });
console.log(records.map((each) => each.id).join(), records[0].joined.toISOString());
await client.stop();
`;

describe.each([
  ["Node", "node"],
  ["Bun", process.execPath],
])("the built SDK on %s", (_name, program) => {
  async function run(text: string, address: string): Promise<string> {
    await using folder = await createTempFolder();
    await buildSdk(join(folder.path, "node_modules/micro-ts"));
    await writeFile(join(folder.path, "package.json"), '{"type": "module"}');
    await writeFile(join(folder.path, "main.js"), text);
    const flags = program === "node" ? [] : ["--no-install"];
    const { code, stdout, stderr } = await runCommand([program, ...flags, "main.js", address], { cwd: folder.path });
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.trim();
  }

  it("publishes and consumes events", async () => {
    await using server = await serveEvents();
    expect(await run(eventsProgram, server.address)).toBe("124750 1 500");
  }, 30_000);

  it("keeps models", async () => {
    await using server = await serveStore();
    expect(await run(modelProgram, server.address)).toBe("u1,u3,u2 1970-01-01T00:00:00.000Z");
  }, 30_000);
});
