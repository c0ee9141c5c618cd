import { CommandError } from "#cli/command-error.ts";

/**
 * The path of a call, `/service.Type/Method`.
 *
 * @throws CommandError with exit code 3, Micro's for an endpoint that is not `Type.Method`.
 */
export function formatMethodPath(service: string, endpoint: string): string {
  const [type = "", method = "", ...more] = endpoint.split(".");
  if (!isPart(type) || !isPart(method) || more.length > 0) {
    throw new CommandError(`Method name "${endpoint}" invalid format. Expecting service.endpoint`, { exitCode: 3 });
  }
  if (!/^[A-Za-z0-9._-]+$/.test(service)) throw new CommandError(`"${service}" is not a service name`);
  return `/${service}.${type}/${method}`;
}

function isPart(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text);
}
