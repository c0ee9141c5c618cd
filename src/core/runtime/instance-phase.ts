import type { InstanceState } from "#interface/runtime.ts";
import type { ServiceProcess } from "./service-process.ts";

/** Where an instance is in its life. */
export type InstancePhase =
  | { readonly kind: "pending" }
  /** `error`: it is late, or it ended the time before; it may still come. */
  | {
      readonly kind: "starting";
      readonly process: ServiceProcess;
      readonly startedAtMs: number;
      readonly error?: string;
    }
  | { readonly kind: "running"; readonly process: ServiceProcess; readonly startedAtMs: number }
  /** Its process ended by itself; it waits to be started again. */
  | { readonly kind: "crashed"; readonly error: string }
  | { readonly kind: "stopping"; readonly process: ServiceProcess }
  | { readonly kind: "stopped" };

/** The phase as others see it. @param isRegistered whether the registry knows a node of it at this moment. */
export function describeInstance(
  phase: InstancePhase,
  isRegistered: boolean,
): Omit<InstanceState, "id" | "restartCount"> {
  if (phase.kind === "pending" || phase.kind === "stopped") return { status: phase.kind };
  if (phase.kind === "crashed") return { status: "error", error: phase.error };
  const { pid } = phase.process;
  if (phase.kind === "stopping") return { status: "stopping", pid };
  const shown = { pid, startedAtMs: phase.startedAtMs };
  const error = phase.kind === "starting" ? phase.error : lostError(isRegistered);
  if (error !== undefined) return { status: "error", error, ...shown };
  return { status: phase.kind, ...shown };
}

function lostError(isRegistered: boolean): string | undefined {
  return isRegistered ? undefined : "its process runs, but has left the registry";
}
