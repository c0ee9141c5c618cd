import type { ServiceRecord } from "./service-record.ts";

export interface BuildOptions {
  /** Ends the build. */
  readonly signal: AbortSignal;
  /** Called when something really has to be built. */
  readonly onBuild?: () => void;
}

/** Makes what a service runs out of its source. */
export interface Builder {
  /**
   * The folder that the service runs in: its source where nothing has to be built, else one that was made from it. What was
   * built before is answered at once.
   *
   * @throws MicroError `failed_precondition` with the reason of a build that failed; `canceled` when `signal` aborts.
   */
  build(record: ServiceRecord, options: BuildOptions): Promise<string>;
}

/** Builds on this machine. */
export class ServiceBuilder implements Builder {
  readonly #sourceFolder: (sha256: string) => string;

  constructor(deps: { readonly sourceFolder: (sha256: string) => string }) {
    this.#sourceFolder = deps.sourceFolder;
  }

  async build(record: ServiceRecord): Promise<string> {
    return this.#sourceFolder(record.sha256);
  }
}
