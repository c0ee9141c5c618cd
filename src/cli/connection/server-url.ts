import { CommandError } from "#cli/command-error.ts";
import { MicroError } from "#base/error.ts";
import { parseServerFile } from "#base/home.ts";
import { localEnvironment, type NamedEnvironment } from "./environment-list.ts";
import { isAlive } from "./file-lock.ts";
import { readOptionalFile } from "./private-file.ts";

/** Where a request goes. */
export interface ServerUrl {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string;
  /** `host:port`, for people. */
  readonly address: string;
  /** Path of a unix socket, where the server listens on one. */
  readonly socketPath?: string;
}

/**
 * The URL of `host`, `host:port`, `http(s)://host:port` or `unix:/path`. Without a port it is 443; 443 speaks TLS.
 *
 * @throws CommandError for anything else.
 */
export function parseServerUrl(text: string): ServerUrl {
  if (text.startsWith("unix:")) {
    return { origin: "http://localhost", address: text, socketPath: text.replace(/^unix:(\/\/)?/, "") };
  }
  const match = /^(?:(https?):\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/.exec(text);
  const [, scheme, host = "", port = scheme === "http" ? "80" : "443"] = match ?? [];
  if (match === null || Number(port) > 65_535 || port === "0") {
    throw new CommandError(`"${text}" is not an address: write host:port`);
  }
  const address = `${host}:${port}`;
  return { origin: `${scheme ?? (port === "443" ? "https" : "http")}://${address}`, address };
}

/**
 * Where an environment's server listens now. The local one may have been given another port than Micro's: it says so in
 * its server file.
 *
 * @throws MicroError `unavailable` when the local server is dead, so that no token is sent to whoever has its port now.
 */
export function locateServer(environment: NamedEnvironment, serverFile: string): ServerUrl {
  if (environment.address === "") {
    throw new CommandError(
      `Environment '${environment.name}' has no address: "micro env add ${environment.name} HOST:PORT"`,
    );
  }
  if (environment.name !== localEnvironment.name || environment.address !== localEnvironment.address) {
    return parseServerUrl(environment.address);
  }
  const text = readOptionalFile(serverFile);
  const server = text === undefined ? undefined : parseServerFile(text);
  if (server === undefined) return parseServerUrl(environment.address);
  if (isAlive(server.pid)) return parseServerUrl(server.proxy);
  throw new MicroError("unavailable", `the server with process id ${server.pid} is gone`, { neverSent: true });
}
