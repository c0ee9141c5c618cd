import { createHttpClient } from "#platform/http-client.ts";
import { HttpTransport } from "#rpc/http-transport.ts";
import type { Environment } from "./environment.ts";
import { Network } from "./network.ts";

/**
 * Opens the way to the network that the environment names.
 *
 * @param token gives the token of the moment, instead of one for the environment's credentials
 */
export function openNetwork(
  environment: Environment,
  namespace: string,
  token?: () => Promise<string | undefined>,
): Network {
  const transport = new HttpTransport({ http: createHttpClient() });
  return new Network({
    sender: {
      unary: (call, message) => transport.unary(environment.network(), call, message),
      stream: (call, messages) => transport.stream(environment.network(), call, messages),
      close: () => transport.close(),
    },
    namespace,
    ...(token === undefined ? { credentials: environment.credentials } : { token }),
  });
}
