import { readFile } from "node:fs/promises";
import { parseServerFile } from "#base/home.ts";
import { limits } from "#base/limits.ts";
import type { HttpListener } from "#rpc/http-exchange.ts";
import { claimPort } from "./claim-port.ts";

/** How the main process of a server listens on ports that it may share with workers. */
export interface Ports {
  /** @throws MicroError as `open` does, also where another server shares the port. */
  listen(address: string, open: (reusePort: boolean) => Promise<HttpListener>): Promise<HttpListener>;
}

/**
 * @param options.serverFile as the server before this one on the same home left it: one that was killed leaves its file, and
 * its workers end when they see that it is gone, which may be a moment later than the next server starts.
 */
export async function openPorts({
  serverFile,
  isShared,
}: {
  readonly serverFile: string;
  readonly isShared: boolean;
}): Promise<Ports> {
  const left = parseServerFile(await readFile(serverFile, "utf8").catch(() => ""));
  const patienceMs = (left?.workers ?? 0) > 0 ? limits.workerLeaveMs : 0;
  return {
    listen: async (address, open) => {
      // A port that the system chooses is given to nobody else.
      if ((isShared || patienceMs > 0) && !address.endsWith(":0")) await claimPort(address, patienceMs);
      return open(isShared);
    },
  };
}
