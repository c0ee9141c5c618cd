import { EdgeCall } from "./edge-call.ts";
import type { GatewayRequest } from "./gateway-request.ts";
import { openApiPath, toOpenApi } from "./openapi.ts";
import { visibleServices, type VisibleServicesDeps } from "./visible-services.ts";

/** What the caller may call, as the JSON of OpenAPI. @throws MicroError `unauthenticated` or `permission_denied`. */
export async function answerOpenApi(
  deps: VisibleServicesDeps & { readonly version: string },
  source: GatewayRequest,
): Promise<Uint8Array> {
  const trial = (service: string, endpoint: string): EdgeCall =>
    new EdgeCall(source, { service, endpoint, path: openApiPath, encoding: "json" });
  return new TextEncoder().encode(JSON.stringify(toOpenApi(await visibleServices(deps, trial), deps.version)));
}
