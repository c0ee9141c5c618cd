import { connect, createServer, type Socket } from "node:net";

/** Passes connections on and counts what clients send. */
export interface CountingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Bytes that clients have sent so far. */
  sentBytes(): number;
}

/** @param target `host:port` */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const [host = "", port = ""] = target.split(":");
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    for (const each of [client, upstream]) {
      sockets.add(each);
      each.on("close", () => sockets.delete(each));
      each.on("error", () => each.destroy());
    }
    client.on("data", (chunk) => (bytes += chunk.byteLength));
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    address: `127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`,
    sentBytes: () => bytes,
    [Symbol.asyncDispose]: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
