import { describe, expect, it } from "bun:test";
import { createServer, type Server } from "node:net";
import { baseEnvironment, runCommand } from "#testing/run-command.ts";
import { microCommand, startServer } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** POST of one JSON message to a core service. */
async function call(address: string, path: string, token?: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://${address}${path}`, {
    method: "POST",
    body: "{}",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  return { status: answer.status, body: await answer.json() };
}

/** Takes a port unless somebody has it already. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

describe("the ports of registry and broker", () => {
  it("are announced, and answer for every core service behind the same guard", async () => {
    await using server = await startServer();
    const { registry = "", broker = "" } = server.addresses;
    expect(server.output()).toContain(`registry       ${registry}\nbroker         ${broker}\n`);
    const token = await server.token();
    for (const address of [registry, broker]) {
      expect((await call(address, "/registry.Registry/ListServices")).status).toBe(401);
      expect((await call(address, "/registry.Registry/ListServices", token)).status).toBe(200);
      expect((await call(address, "/broker.Broker/Publish", token)).status).toBe(400);
    }
  }, 20_000);

  it("are left alone when they are switched off", async () => {
    await using server = await startServer({ args: ["--registry-address=off", "--broker-address=off"] });
    expect(server.addresses).not.toHaveProperty("registry");
    expect(server.addresses).not.toHaveProperty("broker");
    expect(server.output()).not.toContain("broker ");
  }, 20_000);

  it("keep the server from starting only where they were asked for", async () => {
    await using folder = await createTempFolder();
    const taken = await Promise.all([8000, 8003].map(occupy));
    // What a user does who says nothing of these ports; the flags of the other tests are taken away again.
    await using server = await startServer({ command: [process.execPath, await plainServer(folder.path)] });
    expect(server.addresses).not.toHaveProperty("registry");
    for (const port of [8000, 8003]) {
      expect(server.output()).toContain(`127.0.0.1:${port} is in use by another program; choose another with --`);
    }
    const env = {
      ...baseEnvironment(),
      HOME: folder.path,
      MICRO_HOME: `${folder.path}/h`,
      MICRO_BROKER_ADDRESS: "8003",
    };
    const free = ["gateway", "proxy", "network", "registry"].map((name) => `--${name}-address=0`);
    const refused = await runCommand([...microCommand, "server", ...free], { env, timeoutMs: 20_000 });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "127.0.0.1:8003 is in use by another program; choose another with --broker-address",
    );
    for (const each of taken) each?.close();
  }, 20_000);
});

/** The command line without the flags of the two ports. */
async function plainServer(folder: string): Promise<string> {
  const path = `${folder}/plain.ts`;
  const main = JSON.stringify(microCommand[1]);
  await Bun.write(
    path,
    `process.argv = process.argv.filter((each) => !/^--(registry|broker)-address/.test(each));\nawait import(${main});\n`,
  );
  return path;
}
