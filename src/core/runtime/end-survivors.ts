import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { endForeignGroup, groupHasEnvironment } from "./process-group.ts";
import { readProcessMark } from "./process-mark.ts";
import type { OutputPipes } from "./output-pipes.ts";
import type { StrayProcesses } from "./stray-processes.ts";
import type { ProcessNote, ProcessNotes } from "./process-notes.ts";

export interface EndSurvivorsDeps {
  readonly notes: ProcessNotes;
  readonly pipes: Pick<OutputPipes, "remove">;
  readonly strays: Pick<StrayProcesses, "endOf">;
  readonly logger: Logger;
  /** The folder of the runtime: every service is started with its home below it. */
  readonly runtimeFolder: string;
  /** The instance is gone: its nodes leave the registry. */
  readonly onGone: (instance: string) => void;
}

/**
 * Ends what outlived a server and is not taken over, so that its replacement is no duplicate; also what is left of a
 * service whose first process is dead. A process that merely got the id of one of them is left alone.
 */
export async function endSurvivors(found: readonly ProcessNote[], deps: EndSurvivorsDeps): Promise<void> {
  await Promise.all(found.map((note) => endSurvivor(note, deps)));
}

async function endSurvivor({ instance, pid, mark, service }: ProcessNote, deps: EndSurvivorsDeps): Promise<void> {
  const home = `HOME=${deps.runtimeFolder}/work/`;
  const isAlive = (): boolean => {
    const present = readProcessMark(pid);
    return present === mark || (present === undefined && groupHasEnvironment(pid, home));
  };
  if (isAlive()) {
    deps.logger.warn("ending a service of the server before", { service, pid });
    await endForeignGroup(pid, { graceMs: limits.survivorStopGraceMs, isAlive });
    deps.onGone(instance);
  }
  deps.notes.remove(instance);
  deps.pipes.remove(instance);
  await deps.strays.endOf(instance);
}
