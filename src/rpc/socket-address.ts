import { MicroError } from "#base/error.ts";

/** Where to connect: an address as the registry writes it, taken apart. */
export type SocketAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Reads `host:port`, `[::1]:port` or `unix:/path`. @throws MicroError `invalid_argument` for anything else. */
export function parseSocketAddress(address: string): SocketAddress {
  if (address.startsWith("unix:") && address.length > "unix:".length) {
    return { kind: "unix", path: address.slice("unix:".length) };
  }
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(colon + 1));
  if (colon > 0 && host !== "" && Number.isInteger(port) && port > 0 && port < 65_536) {
    return { kind: "tcp", host, port };
  }
  throw new MicroError(
    "invalid_argument",
    `"${address}" is not an address; write it like 127.0.0.1:4000 or unix:/path`,
  );
}
