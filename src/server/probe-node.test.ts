import { describe, expect, it } from "bun:test";
import { createServer, type ListenOptions } from "node:net";
import { networkInterfaces } from "node:os";
import { createHttpClient } from "#platform/http-client.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { probeNode } from "./probe-node.ts";

const hasVersion6 = networkInterfaces()["lo"]?.some(({ address }) => address === "::1") === true;

/** Whether a node at this address answers, as one that offers no HTTP. */
async function answers(address: string): Promise<boolean> {
  const http = createHttpClient();
  try {
    return (await probeNode(http, { id: "n", address, metadata: {} })) === "serving";
  } finally {
    await http.close();
  }
}

/** Listens for the time of `use`, and accepts whatever comes. */
async function whileListening<T>(on: ListenOptions, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(on, resolve);
  });
  const address = server.address();
  try {
    return await use(typeof address === "object" ? (address?.port ?? 0) : 0);
  } finally {
    server.close();
  }
}

describe("probeNode()", () => {
  it("finds a node that accepts connections, in each form of an address", async () => {
    await using folder = await createTempFolder();
    expect(await whileListening({ host: "127.0.0.1", port: 0 }, (port) => answers(`127.0.0.1:${port}`))).toBe(true);
    const path = `${folder.path}/s`;
    expect(await whileListening({ path }, () => answers(`unix:${path}`))).toBe(true);
  });

  it.skipIf(!hasVersion6)(`finds one at IPv6${hasVersion6 ? "" : " (skipped: this machine has no IPv6)"}`, async () => {
    expect(await whileListening({ host: "::1", port: 0 }, (port) => answers(`[::1]:${port}`))).toBe(true);
  });

  it("finds none where nobody listens, or at what is no address", async () => {
    const port = await whileListening({ host: "127.0.0.1", port: 0 }, (freed) => Promise.resolve(freed));
    expect(await answers(`127.0.0.1:${port}`)).toBe(false);
    expect(await answers("nonsense")).toBe(false);
  });
});
