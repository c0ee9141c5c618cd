import type { HealthManifest } from "./service-manifest.ts";

/** What is told of a process that may know nothing of Micro. */
export interface PlainTarget {
  /** Where it listens on loopback, if it does as it is told. */
  readonly port: number;
  /** Path of its OpenAPI document. */
  readonly openapi?: string;
  readonly health?: HealthManifest;
}
