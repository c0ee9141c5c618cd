import { fieldsOf, listOf, numberOf, textMapOf, textOf, type Fields } from "./service-answer.ts";
import type { Session } from "./connection/session.ts";

/** Names by their number on the wire. */
const statusNames = ["unknown", "pending", "building", "starting", "running", "stopping", "stopped", "error"] as const;

/** How a service is. */
export type StatusName = (typeof statusNames)[number];

/** A deployed service as the runtime tells of it. */
export interface DeployedService {
  readonly name: string;
  readonly version: string;
  /** What its code registers as; its own name where the server says nothing else. */
  readonly service: string;
  /** The folder or repository that the user named. */
  readonly source: string;
  /** Of the repository, all its digits; empty for a folder. */
  readonly commit: string;
  readonly status: StatusName;
  /** Percent of the calls that go to a canary; 0 without one. */
  readonly canary: number;
  /** Why it does not run; empty where it does. */
  readonly error: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** When its present version was started; undefined where it never was. */
  readonly startedMs: number | undefined;
  readonly instances: readonly DeployedInstance[];
}

/** One process of a deployed service. */
export interface DeployedInstance {
  readonly id: string;
  /** Process id; 0 while there is none. */
  readonly pid: number;
  readonly status: StatusName;
  readonly restarts: number;
  /** It ends again and again. */
  readonly crashLoop: boolean;
  /** Percent of the calls that it and its like get as a canary; 0 for all others. */
  readonly share: number;
  /** Why it does not run; empty where it does. */
  readonly error: string;
}

export interface ServiceFilter {
  readonly name?: string;
  readonly version?: string;
}

/** The deployed services that match, in the order of the server. @throws MicroError */
export async function readDeployed(session: Session, filter: ServiceFilter): Promise<readonly DeployedService[]> {
  const options = { service: filter.name ?? "", version: filter.version ?? "", namespace: session.namespace };
  const answer = await session.call("runtime", "Runtime.Read", { options });
  return listOf(fieldsOf(answer)["services"]).map(readService);
}

function readService(fields: Fields): DeployedService {
  const metadata = textMapOf(fields["metadata"]);
  return {
    name: textOf(fields["name"]),
    version: textOf(fields["version"]),
    service: metadata["service"] ?? textOf(fields["name"]),
    source: metadata["source"] ?? textOf(fields["source"]),
    commit: metadata["commit"] ?? "",
    status: readStatus(fields["status"]),
    canary: numberOf(fields["canary"]),
    error: textOf(fields["error"]) || (metadata["error"] ?? ""),
    metadata,
    startedMs: readStarted(fields, metadata),
    instances: listOf(fields["instances"]).map((each) => ({
      id: textOf(each["id"]),
      pid: numberOf(each["pid"]),
      status: readStatus(each["status"]),
      restarts: numberOf(each["restarts"]),
      crashLoop: (each["crash_loop"] ?? each["crashLoop"]) === true,
      share: numberOf(each["share"]),
      error: textOf(each["error"]),
    })),
  };
}

function readStatus(value: unknown): StatusName {
  return statusNames[numberOf(value)] ?? "unknown";
}

function readStarted(fields: Fields, metadata: Readonly<Record<string, string>>): number | undefined {
  const seconds = numberOf(fields["started"]);
  if (seconds > 0) return seconds * 1_000;
  const written = Date.parse(metadata["started"] ?? "");
  return Number.isNaN(written) ? undefined : written;
}

/** As much of a commit as people look at. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}
