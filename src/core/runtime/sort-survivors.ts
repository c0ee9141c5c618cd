import type { OutputPipes } from "./output-pipes.ts";
import { readProcessMark } from "./process-mark.ts";
import type { ProcessNote } from "./process-notes.ts";
import { labelOf } from "./service-label.ts";
import type { ServiceRecord } from "./service-record.ts";
import { declaredCounts } from "./service-revision.ts";

export interface Survivors {
  /** What still is what is declared, by the label of its service: the oldest first, no more than its instances. */
  readonly adoptable: ReadonlyMap<string, readonly ProcessNote[]>;
  /** The rest: of an older revision, of nothing declared any more, too many, dead, or not to be verified. */
  readonly others: readonly ProcessNote[];
}

export interface SortSurvivorsDeps {
  readonly pipes: Pick<OutputPipes, "has">;
  /** `host:port` of the network now: who was told another one will never come back. */
  readonly network: string;
}

/** Which processes of a server before are to be taken over. */
export function sortSurvivors(
  notes: readonly ProcessNote[],
  records: readonly ServiceRecord[],
  deps: SortSurvivorsDeps,
): Survivors {
  const adoptable = new Map<string, ProcessNote[]>();
  const others: ProcessNote[] = [];
  const missing = new Map(records.map((record) => [labelOf(record), new Map(declaredCounts(record))]));
  for (const note of notes.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const counts = missing.get(note.service);
    const count = counts?.get(note.revision) ?? 0;
    if (count > 0 && isWhole(note, deps)) {
      counts?.set(note.revision, count - 1);
      adoptable.set(note.service, [...(adoptable.get(note.service) ?? []), note]);
    } else {
      others.push(note);
    }
  }
  return { adoptable, others };
}

function isWhole(note: ProcessNote, { pipes, network }: SortSurvivorsDeps): boolean {
  return note.network === network && readProcessMark(note.pid) === note.mark && pipes.has(note.instance);
}
