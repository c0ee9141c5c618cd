import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { MicroError } from "#base/error.ts";

/** A process that accepts no connection within this time, in milliseconds, does not listen. */
const connectMs = 1_000;

/** A free port of loopback. Nobody holds it: whoever is told it has to take it soon. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (cause) => reject(new MicroError("unavailable", "no port is free", { cause })));
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody accepts connections at a port of loopback. */
export function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: connectMs });
    const finish = (accepts: boolean): void => {
      socket.destroy();
      resolve(accepts);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", () => finish(false));
  });
}

/**
 * Whether it is a process of this group that listens at a port: somebody else may have taken it first. True where the system
 * does not tell.
 */
export function groupListensAt(port: number, groupId: number): boolean {
  if (process.platform !== "linux") return true;
  const sockets = listeningSockets(port);
  if (sockets.size === 0) return false;
  for (const pid of readdirSync("/proc")) {
    if (/^\d+$/.test(pid) && isMember(pid, groupId) && holdsOne(pid, sockets)) return true;
  }
  return false;
}

function listeningSockets(port: number): ReadonlySet<string> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = ["tcp", "tcp6"].flatMap((name) => readText(`/proc/net/${name}`).split("\n"));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  // Local address, and state 0A: it listens. The tenth field is the number of the socket.
  const found = fields.filter(([, local = "", , state]) => local.endsWith(end) && state === "0A");
  return new Set(found.map((each) => `socket:[${each[9] ?? ""}]`));
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((name) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${name}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

function isMember(pid: string, groupId: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2] === String(groupId);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
