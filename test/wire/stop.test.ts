import { describe, expect, it } from "bun:test";
import { waitUntil } from "#testing/wait-until.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type Runtime } from "./start-echo.ts";

describe.each(["bun", "node"] as Runtime[])("a server on %s", (runtime) => {
  it("stops by itself when its listeners are stopped, also with connections open", async () => {
    await using server = await startEcho(runtime);
    const addresses = [server.rpc, server.http, server.rpcUnix, server.httpUnix];
    // Silent ones too, but on unix sockets only: a silent TCP connection may not have been accepted yet by the kernel.
    const silent = addresses.slice(2).map((address) => new RawSocket(address));
    const idle = addresses.map((address) => {
      const raw = new RawSocket(address);
      raw.socket.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
      return raw;
    });
    await waitUntil("every answer", () => idle.every((each) => each.text.includes("/health")));
    expect(await server.stop()).toEqual({ code: 0, output: "stopped\n" });
    await waitUntil("all are closed", () => [...idle, ...silent].every((each) => each.isClosed));
  });
});
