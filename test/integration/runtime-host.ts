import { waitUntil } from "#testing/wait-until.ts";
import { startRuntimeWorld } from "./runtime-world.ts";

/** A server of the runtime alone, on the folder that it is given, to be killed by a test. Prints `running` when its service is. */
const world = await startRuntimeWorld({ folder: process.argv[2] ?? "" });
await waitUntil("the service runs", async () => {
  const [service] = await world.runtime.read({ namespace: "micro" });
  return service?.status === "running";
});
process.stdout.write("running\n");
process.once("SIGTERM", () => {
  void world[Symbol.asyncDispose]().then(() => process.exit(0));
});
setInterval(() => undefined, 60_000);
