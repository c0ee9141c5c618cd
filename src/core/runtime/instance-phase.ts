import type { InstanceState } from "#interface/runtime.ts";
import type { ServiceProcess } from "./service-process.ts";

/** A process that is there. */
export interface RunningProcess {
  readonly process: ServiceProcess;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Aborts when it is dead. */
  readonly ended: AbortSignal;
}

/** Where an instance is in its life. */
export type InstancePhase =
  | { readonly kind: "pending" }
  /** `error`: it is late, or it ended the time before; it may still come. */
  | (RunningProcess & { readonly kind: "starting"; readonly error?: string })
  /** `isReady`: false while it says that it cannot serve. */
  | (RunningProcess & { readonly kind: "running"; readonly isReady: boolean })
  /** Its process ended by itself; it waits to be started again. */
  | { readonly kind: "crashed"; readonly error: string }
  | { readonly kind: "stopping"; readonly process: ServiceProcess }
  | { readonly kind: "stopped" };

export const notReadyError = "not ready: it answers that it cannot serve, and gets no calls";

/** The phase as others see it. @param isRegistered whether the registry knows a node of it at this moment. */
export function describeInstance(
  phase: InstancePhase,
  isRegistered: boolean,
): Pick<InstanceState, "status" | "error" | "pid" | "startedAtMs"> {
  if (phase.kind === "pending" || phase.kind === "stopped") return { status: phase.kind };
  if (phase.kind === "crashed") return { status: "error", error: phase.error };
  const { pid } = phase.process;
  if (phase.kind === "stopping") return { status: "stopping", pid };
  const shown = { pid, startedAtMs: phase.startedAtMs };
  const error = phase.kind === "starting" ? phase.error : runningError(phase.isReady, isRegistered);
  if (error !== undefined) return { status: "error", error, ...shown };
  return { status: phase.kind, ...shown };
}

function runningError(isReady: boolean, isRegistered: boolean): string | undefined {
  if (!isRegistered) return "its process runs, but has left the registry";
  return isReady ? undefined : notReadyError;
}
