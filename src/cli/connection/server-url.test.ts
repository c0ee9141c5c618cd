import { describe, expect, it } from "bun:test";
import { createTempFolder } from "#testing/temp-folder.ts";
import { localEnvironment } from "./environment-list.ts";
import { locateServer, parseServerUrl } from "./server-url.ts";

describe("parseServerUrl()", () => {
  it.each([
    ["127.0.0.1:8081", "http://127.0.0.1:8081"],
    ["proxy.example.com", "https://proxy.example.com:443"],
    ["proxy.example.com:443", "https://proxy.example.com:443"],
    ["https://proxy.example.com:8443", "https://proxy.example.com:8443"],
    ["http://localhost", "http://localhost:80"],
    ["[::1]:8081", "http://[::1]:8081"],
  ])("reads %s", (text, origin) => {
    expect(parseServerUrl(text).origin).toBe(origin);
  });

  it.each(["", "a b", "host:99999", "host:0", "ftp://host", "user@host:1", "host:1/path"])("refuses %p", (text) => {
    expect(() => parseServerUrl(text)).toThrow("is not an address");
  });
});

describe("locateServer()", () => {
  const server = { version: "1", startedAtMs: 0, gateway: "127.0.0.1:1", network: "127.0.0.1:3", publicKey: "" };

  it("takes the address that the running local server wrote down", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/server.json`;
    await Bun.write(path, JSON.stringify({ ...server, pid: process.pid, proxy: "127.0.0.1:4321" }));
    expect(locateServer(localEnvironment, path).address).toBe("127.0.0.1:4321");
  });

  it("does not dial the port of a server that is dead", async () => {
    await using folder = await createTempFolder();
    const path = `${folder.path}/server.json`;
    const dead = Bun.spawn(["true"]);
    await dead.exited;
    await Bun.write(path, JSON.stringify({ ...server, pid: dead.pid, proxy: "127.0.0.1:4321" }));
    expect(() => locateServer(localEnvironment, path)).toThrow("is gone");
  });

  it("falls back to Micro's own port when there is no server file", () => {
    expect(locateServer(localEnvironment, "/nowhere/server.json").address).toBe("127.0.0.1:8081");
  });
});
