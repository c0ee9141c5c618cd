import { MicroError } from "#base/error.ts";
import type { Auth } from "#core/auth/auth.ts";
import type { ServerConfig } from "./server-options.ts";

/** Names of this machine for itself: nobody else can connect there. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Holds a server back that would let other machines in while the administrator still has the secret that was generated and
 * shown: it may stand in a log.
 *
 * @throws MicroError `failed_precondition` that names the address and what to do.
 */
export async function requireOwnSecret(config: ServerConfig, auth: Pick<Auth, "hasGeneratedSecret">): Promise<void> {
  const open = [
    ["--gateway-address", config.gatewayAddress],
    ["--proxy-address", config.proxyAddress],
    ["--network-address", config.networkAddress],
    ["--registry-address", config.registryPort?.address],
    ["--broker-address", config.brokerPort?.address],
  ].find(([, address]) => address !== undefined && !loopback.test(address.slice(0, address.lastIndexOf(":"))));
  if (open === undefined || config.adminSecret !== undefined || !(await auth.hasGeneratedSecret())) return;
  const how =
    'start it on loopback once and give it one with "micro user set password", or say one in MICRO_ADMIN_SECRET at its first start';
  throw new MicroError(
    "failed_precondition",
    `${open.join(" ")} lets other machines in, and the administrator has none but the generated secret: ${how}`,
  );
}
