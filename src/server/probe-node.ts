import { connect, type NetConnectOpts } from "node:net";
import { isRecord } from "#base/json.ts";
import { limits } from "#base/limits.ts";
import type { NodeHealth } from "#core/runtime/watch-health.ts";
import type { ServiceNode } from "#interface/registry.ts";
import type { HttpClient } from "#rpc/http-client.ts";
import { parseSocketAddress } from "#rpc/socket-address.ts";

const noBody = new TextEncoder().encode("{}");

/**
 * How a node is: a service on our framework says so itself, any other has to accept a connection. Never throws.
 */
export async function probeNode(http: HttpClient, node: ServiceNode): Promise<NodeHealth> {
  const address = node.metadata["http"];
  try {
    if (address !== undefined) return await askHealth(http, address);
    return (await acceptsConnection(node.address)) ? "serving" : "silent";
  } catch {
    return "silent";
  }
}

async function askHealth(http: HttpClient, address: string): Promise<NodeHealth> {
  const answer = await http.post(address, {
    path: "/grpc.health.v1.Health/Check",
    headers: { "content-type": "application/json" },
    body: noBody,
    signal: AbortSignal.timeout(limits.healthAnswerMsMax),
  });
  return answer.status === 200 && !saysNotServing(answer.body) ? "serving" : "not_serving";
}

/** Words of grpc.health.v1 in JSON; an answer without them is one all the same. */
function saysNotServing(body: Uint8Array): boolean {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    return isRecord(answer) && answer["status"] === "NOT_SERVING";
  } catch {
    return false;
  }
}

function acceptsConnection(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...toTarget(address), timeout: limits.healthAnswerMsMax });
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
