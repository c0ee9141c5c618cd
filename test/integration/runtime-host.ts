import { startRuntimeWorld } from "./runtime-world.ts";

/** A server of the runtime alone, on the folder that it is given, to be killed by a test. Prints `ready`. */
const world = await startRuntimeWorld({ folder: process.argv[2] ?? "" });
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void world[Symbol.asyncDispose]().then(() => process.exit(0));
});
setInterval(() => undefined, 60_000);
