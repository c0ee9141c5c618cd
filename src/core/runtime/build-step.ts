import { MicroError } from "#base/error.ts";
import type { RuntimeEventSink } from "#interface/runtime-event.ts";
import type { Builder, Built } from "./service-builder.ts";
import type { ServiceRecord } from "./service-record.ts";

/** The build that the processes of a deployment wait for; one at a time. */
export class BuildStep {
  readonly #builder: Builder;
  readonly #events: RuntimeEventSink;
  #abort: AbortController | undefined;
  #isBuilding = false;
  #error: string | undefined;

  constructor(deps: { readonly builder: Builder; readonly events: RuntimeEventSink }) {
    this.#builder = deps.builder;
    this.#events = deps.events;
  }

  /** True while something is really built. */
  get isBuilding(): boolean {
    return this.#isBuilding;
  }

  /** Why the last build failed. */
  get error(): string | undefined {
    return this.#error;
  }

  /** @throws MicroError as {@link Builder.build} does; the reason is kept in `error`. */
  async run(record: ServiceRecord): Promise<Built> {
    this.#abort = new AbortController();
    this.#error = undefined;
    const onBuild = (): void => {
      this.#isBuilding = true;
      this.#events.emit({ type: "building", service: record });
    };
    try {
      const built = await this.#builder.build(record, { signal: this.#abort.signal, onBuild });
      if (this.#isBuilding) this.#events.emit({ type: "built", service: record });
      return built;
    } catch (reason) {
      const error = MicroError.from(reason);
      this.#error = error.detail;
      this.#events.emit({ type: "build_failed", service: record, reason: error.detail });
      throw error;
    } finally {
      this.#isBuilding = false;
    }
  }

  /** Ends the build that is under way, whose `run` then fails. */
  cancel(): void {
    this.#abort?.abort();
  }
}
