import { EdgeCall } from "./edge-call.ts";
import type { GatewayRequest } from "./gateway-request.ts";
import { openApiPath, toOpenApi } from "./openapi.ts";
import { visibleServices, type VisibleServicesDeps } from "./visible-services.ts";

/** What the caller may call, as OpenAPI. @throws MicroError `unauthenticated` or `permission_denied`. */
export async function answerOpenApi(
  deps: VisibleServicesDeps & { readonly version: string },
  source: GatewayRequest,
): Promise<Response> {
  const trial = (service: string, endpoint: string): EdgeCall =>
    new EdgeCall(source, { service, endpoint, path: openApiPath, encoding: "json" });
  return Response.json(toOpenApi(await visibleServices(deps, trial), deps.version));
}
