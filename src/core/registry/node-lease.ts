import type { Metadata } from "#base/metadata.ts";
import type { Endpoint, ServiceNode } from "#interface/registry.ts";
import type { Lease } from "./lease-queue.ts";
import type { VersionRecord } from "./version-record.ts";

/** What a node says about the version that it runs. */
export interface VersionContent {
  readonly metadata: Metadata;
  readonly endpoints: readonly Endpoint[];
}

/** One node and how long it is believed. */
export interface NodeLease extends Lease {
  readonly version: VersionRecord;
  node: ServiceNode;
  /** What this node itself said last. */
  content: VersionContent;
  expiresAtMs: number;
  isReleased: boolean;
}
