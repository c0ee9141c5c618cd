/** A port of loopback that was free a moment ago, for a server that has to come back at the same one. */
export async function findFreePort(): Promise<number> {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = server;
  server.stop(true);
  return port;
}
