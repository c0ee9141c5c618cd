import { readFile } from "node:fs/promises";
import { parseServerFile, resolveHome, type ServerFile } from "#base/home.ts";
import { delay } from "#base/lifecycle.ts";

/** A server stands within a second; a slow disk may take some. */
const readyTimeoutMs = 20_000;
const pollMs = 50;

/** What a server that was started after `sinceMs` says of itself; undefined when none does in time. */
export async function awaitServer(home: string, sinceMs: number): Promise<ServerFile | undefined> {
  const { serverFile } = resolveHome({ MICRO_HOME: home });
  const endMs = Date.now() + readyTimeoutMs;
  while (Date.now() < endMs) {
    const text = await readFile(serverFile, "utf8").catch(() => "");
    const server = parseServerFile(text);
    if (server !== undefined && server.startedAtMs >= sinceMs) return server;
    await delay(pollMs);
  }
  return undefined;
}
