/** A server that tests may kill: both protocols on the address that is its argument. `/hang` calls never end. */
import { silentLogger } from "#base/logger.ts";
import { listenRpc } from "#rpc/rpc-listener.ts";
import { createRpcServer } from "#rpc/rpc-server.ts";
import { resolveTables } from "#rpc/service-table.ts";
import { createEchoTable } from "./echo-service.ts";

const server = createRpcServer({
  resolve: resolveTables([createEchoTable()]),
  logger: silentLogger,
  name: "echo",
});
const listener = await listenRpc({ address: process.argv[2] ?? "127.0.0.1:0", server });
process.stdout.write(`${listener.address}\n`);
process.on("SIGTERM", () => {
  listener.stop(5_000).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
