import { createServer } from "node:net";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";
import { buildGoProgram, type GoProgram } from "./go-program.ts";

/** Where Micro's Go framework publishes messages; it asks nobody. */
const brokerPort = 8003;

/**
 * Before a program of Micro's Go framework: it writes to `~/.micro` of whoever has its user id, and listens to no HOME
 * unless nobody has that id.
 */
export const asNobody = ["unshare", "--user", "--map-user=64123"] as const;

/** Builds a program against Micro's Go framework. @returns why not, where this machine cannot build or run it. */
export async function buildGoMicro(target?: string): Promise<GoProgram | string> {
  if (!canBeNobody()) return "no user namespaces, and the program would write to the home of whoever runs the tests";
  return buildGoProgram("go-micro", target);
}

function canBeNobody(): boolean {
  if (Bun.which(asNobody[0]) === null) return false;
  return Bun.spawnSync([...asNobody, "true"]).exitCode === 0;
}

/** Waits until the broker's port is free. @returns why not, where another program keeps it. */
export async function brokerPortLack(): Promise<string | undefined> {
  try {
    await waitUntil("the broker's port to be free", () => isFree(brokerPort));
    return undefined;
  } catch {
    return `127.0.0.1:${brokerPort} is in use, and the program publishes nowhere else`;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** A server with the broker on the port of Micro, as soon as other tests leave it free. */
export function startServerWithBroker(): Promise<TestServer> {
  return waitUntil("a server on the broker's port", async () => {
    try {
      return await startServer({ args: [`--broker-address=${brokerPort}`] });
    } catch (reason) {
      if (reason instanceof Error && reason.message.includes("in use by another program")) return undefined;
      throw reason;
    }
  });
}
