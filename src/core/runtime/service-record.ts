import { isRecord } from "#base/json.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";
import type { ServiceManifest } from "./service-manifest.ts";
import { damaged, parseRecord } from "./parse-record.ts";

/** What of a repository a service runs. */
export interface GitOrigin {
  /** The source without its ref. */
  readonly place: string;
  /** All its digits. */
  readonly commit: string;
  /** What it was found by: a branch, a tag, or the commit itself. */
  readonly ref: string;
}

/** One version of what a service runs. */
export interface ServiceRevision {
  /** As the user named it to us: an id of an upload, or a place in a git repository. */
  readonly source: string;
  /** The content that it runs, whatever is uploaded under that id later. */
  readonly sha256: string;
  /** Another one with each change of what runs: processes that are taken over are known by it. Absent in old records. */
  readonly revision?: string;
  /** Folder of the content that is the service, where it is not the whole; the entry point in `options` begins with it. */
  readonly folder?: string;
  /** Where the content was found, for one of git. */
  readonly git?: GitOrigin;
  readonly options: CreateServiceOptions;
  /** The `micro.json` of its source. */
  readonly manifest?: ServiceManifest;
  readonly metadata: Metadata;
  /** Milliseconds since the epoch, of the last deployment. */
  readonly updatedAtMs: number;
}

/** A declared service: what was asked for, kept until it is deleted. */
export interface ServiceRecord extends ServiceKey, ServiceRevision {
  /** The versions before, the last one first. */
  readonly history?: readonly ServiceRevision[];
  /** True while the present version is taken back by itself if it fails; see limits.updateProbationMs. */
  readonly isOnProbation?: boolean;
  /** A version that gets a share of the calls. */
  readonly canary?: {
    /** Of the calls, 1 to 99. */
    readonly percent: number;
    readonly next: ServiceRevision;
  };
  /** Why the last update was not taken, or was taken back. */
  readonly error?: string;
}

/** Processes that are to run. */
export function instanceCount({ options, manifest }: Pick<ServiceRecord, "options" | "manifest">): number {
  return options.instances ?? manifest?.instances ?? 1;
}

export const serviceKeyPrefix = "service:";

/** Exact key of a record: no name or version can hold a colon. */
export function toServiceStoreKey({ namespace, name, version }: ServiceKey): string {
  return `${serviceKeyPrefix}${namespace}:${name}:${version}`;
}

export function encodeServiceRecord(record: ServiceRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** @throws MicroError `internal` for a record that is damaged. */
export function decodeServiceRecord(key: string, value: Uint8Array): ServiceRecord {
  const parsed = parseRecord(key, value);
  const hasTexts = ["namespace", "name", "version", "source", "sha256"].every(
    (field) => typeof parsed[field] === "string",
  );
  const isWhole = hasTexts && isRecord(parsed["options"]) && isRecord(parsed["metadata"]);
  if (!isWhole || typeof parsed["updatedAtMs"] !== "number") throw damaged(key);
  const record = parsed as unknown as ServiceRecord;
  if (toServiceStoreKey(record) !== key) throw damaged(key);
  return record;
}
