import type { CallOptions, Session } from "./connection/session.ts";
import { fieldsOf, listOf, textOf } from "./service-answer.ts";

/** A version of a service in the registry. */
export interface ListedService {
  readonly name: string;
  readonly version: string;
}

/** The services of the current namespace, ordered by name and version. @throws MicroError of the server. */
export async function listServices(session: Session, options: CallOptions = {}): Promise<readonly ListedService[]> {
  const body = { options: { domain: session.namespace } };
  const answer = await session.call("registry", "Registry.ListServices", body, options);
  return listOf(fieldsOf(answer)["services"])
    .map((each) => ({ name: textOf(each["name"]), version: textOf(each["version"]) }))
    .sort((a, b) => (a.name === b.name ? compare(a.version, b.version) : compare(a.name, b.name)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
