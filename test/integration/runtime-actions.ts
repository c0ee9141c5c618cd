import { readProcessMark } from "#core/runtime/process-mark.ts";
import type { LogLine, LogQuery } from "#interface/runtime.ts";
import { waitUntil } from "#testing/wait-until.ts";
import type { RuntimeWorld } from "./runtime-world.ts";

export const key = { namespace: "micro", name: "greeter", version: "latest" };
export const other = { ...key, name: "other" };

export async function deploy(world: RuntimeWorld, program: string, options = {}): Promise<void> {
  await deployFiles(world, { "index.ts": program }, options);
}

export async function deployFiles(
  world: RuntimeWorld,
  files: Readonly<Record<string, string>>,
  options = {},
): Promise<void> {
  await world.runtime.create(key, await world.upload(key, files), options);
}

export async function untilStatus(world: RuntimeWorld, status: string): Promise<void> {
  await waitUntil(`greeter is ${status}`, async () => (await world.state(key)).status === status);
}

export async function pidOf(world: RuntimeWorld): Promise<number> {
  return waitUntil("greeter has a process", async () => (await world.state(key)).instances[0]?.pid);
}

export function isAlive(pid: number): boolean {
  return readProcessMark(pid) !== undefined;
}

export async function ask(world: RuntimeWorld): Promise<string> {
  const [node] = world.registry.nodes(key.name, key.namespace);
  const response = await fetch("http://service/", { unix: node?.address.slice("unix:".length) ?? "" });
  return response.text();
}

export async function readLog(world: RuntimeWorld, query: LogQuery = {}): Promise<LogLine[]> {
  return Array.fromAsync(world.runtime.logs(key, query));
}
