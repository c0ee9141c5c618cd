import { resolvePath } from "./path-table.ts";

/**
 * The shortest path that calls an endpoint, or undefined where there is none: the counterpart of `resolvePath`.
 *
 * @param endpoint `Type.Method`
 */
export function formatPath(service: string, endpoint: string): string | undefined {
  const [type = "", method = ""] = endpoint.split(".");
  const folders = service.split(".").join("/");
  const candidates = [`/${folders}/${method}`, `/${service}/${method}`, `/${folders}/${type}/${method}`];
  return [...candidates, `/${service}/${type}/${method}`].find((path) => {
    const route = resolvePath(path);
    return route?.service === service && route.endpoint === endpoint;
  });
}
