import { packArchive, startRuntimeWorld } from "./runtime-world.ts";

/** A server of the runtime alone, to be killed by a test in the middle of a build that never ends. */
const [, , folder = "", build = ""] = process.argv;
await using world = await startRuntimeWorld({ folder });
const key = { namespace: "micro", name: "built", version: "latest" };
const files = { "index.ts": "", "micro.json": JSON.stringify({ build }) };
const source = await world.runtime.sources.put(key, { chunks: packArchive(files) });
await world.runtime.create(key, source, {});
setInterval(() => undefined, 60_000);
await new Promise(() => undefined);
