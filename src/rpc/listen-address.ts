import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** Where to listen: a TCP port or a socket file. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** The longest path that the kernel takes for a socket file, without its final zero byte. */
const socketPathBytesMax = 107;

/**
 * Reads `host:port`, `[v6]:port` or `unix:/path`. An empty host is every interface; port 0 asks for a free one.
 *
 * @throws MicroError `invalid_argument` for other text, and for a path that is too long for a socket file.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) return { kind: "unix", path: requireSocketPath(text.slice(5)) };
  const [, v6, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new MicroError("invalid_argument", `"${text}" is not an address; write it like 127.0.0.1:8080 or unix:/path`);
  }
  return { kind: "tcp", host: v6 ?? (name === "" ? "0.0.0.0" : (name ?? "")), port: Number(port) };
}

/** The text form, with the port that was given. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/**
 * Makes room for a socket file: one that nobody listens on is left over from a process that was killed, and is removed.
 *
 * @throws MicroError `conflict` when somebody listens there, or when the path is another kind of file.
 */
export async function clearStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new MicroError("conflict", `${path} exists and is not a socket`);
  if (await isListening(path)) throw new MicroError("conflict", `unix:${path} is in use by another program`);
  await unlink(path).catch(() => undefined);
}

/** What the system said when it refused an address, as one line for a person. */
export function toListenError(address: string, reason: unknown): MicroError {
  const system = typeof reason === "object" && reason !== null && "code" in reason ? reason.code : undefined;
  switch (system) {
    case "EADDRINUSE":
      return new MicroError("conflict", `${address} is in use by another program`, { cause: reason });
    case "EACCES":
    case "EPERM":
      return new MicroError("permission_denied", `${address} may not be listened on by this user`, { cause: reason });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new MicroError("invalid_argument", `${address} is no address of this machine`, { cause: reason });
    case "ENOENT":
    case "ENOTDIR":
      // Bun says the same of a host that cannot be resolved.
      if (!address.startsWith("unix:")) return toListenError(address, { code: "ENOTFOUND", cause: reason });
      return new MicroError("failed_precondition", `the folder of ${address} does not exist`, { cause: reason });
    default:
      return MicroError.from(reason, { code: "failed_precondition", detail: `${address} could not be listened on` });
  }
}

function requireSocketPath(path: string): string {
  if (!path.startsWith("/")) throw new MicroError("invalid_argument", `"unix:${path}" needs a path that begins with /`);
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  throw new MicroError(
    "invalid_argument",
    `unix:${path} is longer than the ${socketPathBytesMax} bytes of a socket's path`,
  );
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path, timeout: limits.dialTimeoutMs });
    const finish = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => finish(true));
    // A listener that does not take our connection in time is there all the same.
    socket.once("timeout", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
