import { connect, type NetConnectOpts } from "node:net";
import type { ServiceNode } from "#interface/registry.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { parseSocketAddress } from "#rpc/socket-address.ts";

/** A service that needs longer to say that it is well is not. */
const probeTimeoutMs = 2_000;
const noBody = new TextEncoder().encode("{}");

/**
 * Whether a node answers: a service on our framework says so itself, any other has to accept a connection. Never throws.
 */
export async function probeNode(http: HttpClient, node: ServiceNode): Promise<boolean> {
  const address = node.metadata["http"];
  try {
    return await (address === undefined ? acceptsConnection(node.address) : answersHealthCheck(http, address));
  } catch {
    return false;
  }
}

async function answersHealthCheck(http: HttpClient, address: string): Promise<boolean> {
  const answer = await http.post(address, {
    path: "/grpc.health.v1.Health/Check",
    headers: { "content-type": "application/json" },
    body: noBody,
    signal: AbortSignal.timeout(probeTimeoutMs),
  });
  return answer.status === 200;
}

function acceptsConnection(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...toTarget(address), timeout: probeTimeoutMs });
    const finish = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", () => finish(false));
  });
}

function toTarget(address: string): NetConnectOpts {
  const parsed = parseSocketAddress(address);
  return parsed.kind === "unix" ? { path: parsed.path } : { host: parsed.host, port: parsed.port };
}
