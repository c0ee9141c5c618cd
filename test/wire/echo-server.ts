/** The echo service in a process of its own, on Bun or on Node: prints its addresses, stops when its input ends. */
import { silentLogger } from "#base/logger.ts";
import { listenHttp } from "#platform/http-listener.ts";
import type { HttpResponse } from "#rpc/http-exchange.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { resolveTables } from "#rpc/service-table.ts";
import { createEchoTable } from "./echo-service.ts";

const server = createRpcServer({
  resolve: resolveTables([createEchoTable()]),
  logger: silentLogger,
  name: "echo",
  other: ({ target }): HttpResponse => ({
    status: target === "/health" ? 200 : 404,
    headers: { "content-type": "text/plain" },
    body: new TextEncoder().encode(target),
  }),
});
const folder = process.argv[2] ?? "";
const listeners = await Promise.all([
  listenRpc({ address: "127.0.0.1:0", server }),
  listenRpc({ address: `unix:${folder}/rpc.sock`, server }),
  listenHttp({ address: "127.0.0.1:0", handler: server.handleHttp }),
  listenHttp({ address: `unix:${folder}/http.sock`, handler: server.handleHttp }),
]);
const [rpc, rpcUnix, http, httpUnix] = listeners.map((each) => each.address);
process.stdout.write(`${JSON.stringify({ rpc, rpcUnix, http, httpUnix })}\n`);
process.stdin.on("end", () => {
  Promise.all(listeners.map((each) => each.stop(5_000))).then(
    () => process.stdout.write("stopped\n"),
    (reason: unknown) => process.stderr.write(`${String(reason)}\n`),
  );
});
process.stdin.resume();
