import { connect } from "node:net";
import type { ServiceNode } from "#interface/registry.ts";
import type { HttpClient } from "#rpc/http-client.ts";

/** A service that needs longer to say that it is well is not. */
const probeTimeoutMs = 2_000;
const noBody = new TextEncoder().encode("{}");

/**
 * Whether a node answers: a service on our framework says so itself, any other has to accept a connection. Never throws.
 */
export async function probeNode(http: HttpClient, node: ServiceNode): Promise<boolean> {
  const address = node.metadata["http"];
  return address === undefined ? acceptsConnection(node.address) : answersHealthCheck(http, address);
}

async function answersHealthCheck(http: HttpClient, address: string): Promise<boolean> {
  try {
    const answer = await http.post(address, {
      path: "/grpc.health.v1.Health/Check",
      headers: { "content-type": "application/json" },
      body: noBody,
      signal: AbortSignal.timeout(probeTimeoutMs),
    });
    return answer.status === 200;
  } catch {
    return false;
  }
}

function acceptsConnection(address: string): Promise<boolean> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  const target = address.startsWith("unix:") ? { path: address.slice("unix:".length) } : { host, port: Number(port) };
  return new Promise((resolve) => {
    const socket = connect({ ...target, timeout: probeTimeoutMs });
    const finish = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", () => finish(false));
  });
}
