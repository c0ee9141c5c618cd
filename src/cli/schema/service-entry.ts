import { CommandError } from "#cli/command-error.ts";
import { fieldsOf, listOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";
import type { CallOptions, Session } from "#cli/connection/session.ts";
import { MicroError } from "#base/error.ts";

/** A node of a type tree, as the registry publishes it. */
export interface SchemaValue {
  readonly name: string;
  /** `string`, `int64`, `bool` …, a message's or enum's name, `[]` and the element, or `map[K]V`. */
  readonly type: string;
  readonly values: readonly SchemaValue[];
}

export interface EndpointEntry {
  /** `Type.Method`. */
  readonly name: string;
  readonly request: SchemaValue;
  readonly response: SchemaValue;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One version of a service as the registry knows it. */
export interface ServiceVersion {
  readonly name: string;
  readonly version: string;
  readonly endpoints: readonly EndpointEntry[];
  readonly nodes: readonly {
    readonly id: string;
    readonly address: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

/** Names of the core services: they live in the installation's own namespace, whatever the current one is. */
const coreServices: ReadonlySet<string> = new Set([
  "auth",
  "broker",
  "config",
  "events",
  "network",
  "registry",
  "runtime",
  "store",
]);

/**
 * Every version of a service: core services in `micro`, others in the current namespace. Empty when there is none.
 *
 * @throws MicroError of the server.
 */
export async function findService(
  session: Session,
  name: string,
  options: CallOptions = {},
): Promise<readonly ServiceVersion[]> {
  const domain = coreServices.has(name) ? "micro" : session.namespace;
  try {
    const body = { service: name, options: { domain } };
    const answer = await session.call("registry", "Registry.GetService", body, options);
    return listOf(fieldsOf(answer)["services"]).map(readServiceVersion);
  } catch (reason) {
    if (MicroError.is(reason) && reason.httpStatus === 404) return [];
    throw reason;
  }
}

/** @throws CommandError with exit code 128, Micro's for a service that is not registered. */
export async function requireService(session: Session, name: string): Promise<readonly ServiceVersion[]> {
  const versions = await findService(session, name);
  if (versions.length > 0) return versions;
  throw new CommandError(`Service "${name}" not found; see "micro services"`, { code: "not_found", exitCode: 128 });
}

function readServiceVersion(fields: Fields): ServiceVersion {
  return {
    name: textOf(fields["name"]),
    version: textOf(fields["version"]),
    endpoints: listOf(fields["endpoints"]).map((each) => ({
      name: textOf(each["name"]),
      request: readValue(fieldsOf(each["request"])),
      response: readValue(fieldsOf(each["response"])),
      metadata: textMapOf(each["metadata"]),
    })),
    nodes: listOf(fields["nodes"]).map((each) => ({
      id: textOf(each["id"]),
      address: textOf(each["address"]),
      metadata: textMapOf(each["metadata"]),
    })),
  };
}

function readValue(fields: Fields): SchemaValue {
  return {
    name: textOf(fields["name"]),
    type: textOf(fields["type"]),
    values: listOf(fields["values"]).map(readValue),
  };
}
