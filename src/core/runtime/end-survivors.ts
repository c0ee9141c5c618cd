import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import { endForeignGroup } from "./process-group.ts";
import { readProcessMark } from "./process-mark.ts";
import type { ProcessNote, ProcessNotes } from "./process-notes.ts";

export interface EndSurvivorsDeps {
  readonly notes: ProcessNotes;
  readonly logger: Logger;
  /** The instance is gone: its nodes leave the registry. */
  readonly onGone: (instance: string) => void;
}

/**
 * Ends the services that outlived a server which was killed, so that their replacements are no duplicates. A process
 * that merely got the id of one of them is left alone.
 */
export async function endSurvivors(
  found: readonly ProcessNote[],
  { notes, logger, onGone }: EndSurvivorsDeps,
): Promise<void> {
  await Promise.all(
    found.map(async ({ instance, pid, mark, service }) => {
      const isAlive = (): boolean => readProcessMark(pid) === mark;
      if (isAlive()) {
        logger.warn("ending a service of the server before", { service, pid });
        await endForeignGroup(pid, { graceMs: limits.survivorStopGraceMs, isAlive });
        onGone(instance);
      }
      notes.remove(instance);
    }),
  );
}
