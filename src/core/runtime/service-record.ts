import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";

/** A declared service: what was asked for, kept until it is deleted. */
export interface ServiceRecord extends ServiceKey {
  /** As the user named it to us: an id of an upload. */
  readonly source: string;
  /** The content that it runs, whatever is uploaded under that id later. */
  readonly sha256: string;
  readonly options: CreateServiceOptions;
  readonly metadata: Metadata;
  /** Milliseconds since the epoch, of the last deployment. */
  readonly updatedAtMs: number;
  /** Why the last update was not taken. */
  readonly error?: string;
}

/** Exact key of a record: no name or version can hold a colon. */
export function toServiceStoreKey({ namespace, name, version }: ServiceKey): string {
  return `service:${namespace}:${name}:${version}`;
}

export function encodeServiceRecord(record: ServiceRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** @throws MicroError `internal` for a record that is damaged. */
export function decodeServiceRecord(key: string, value: Uint8Array): ServiceRecord {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(value));
  // Written by us alone, and whole or not at all: the names are checked so that a file of another time is not taken for one.
  if (isRecord(parsed) && hasTexts(parsed) && isRecord(parsed["options"]) && isRecord(parsed["metadata"])) {
    return parsed as unknown as ServiceRecord;
  }
  throw new MicroError("internal", `the record ${key} of the runtime cannot be read`, { at: "runtime" });
}

function hasTexts(value: Record<string, unknown>): boolean {
  return ["namespace", "name", "version", "source", "sha256"].every((field) => typeof value[field] === "string");
}
