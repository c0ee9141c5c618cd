import type { OutputPipes } from "./output-pipes.ts";
import { readProcessMark } from "./process-mark.ts";
import type { ProcessNote } from "./process-notes.ts";
import { labelOf } from "./service-label.ts";
import { instanceCount, type ServiceRecord } from "./service-record.ts";

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
  const declared = new Map(records.map((record) => [labelOf(record), record]));
  for (const note of notes.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const record = declared.get(note.service);
    const taken = adoptable.get(note.service) ?? [];
    if (record !== undefined && taken.length < instanceCount(record) && isWhole(note, record, deps)) {
      adoptable.set(note.service, [...taken, note]);
    } else {
      others.push(note);
    }
  }
  return { adoptable, others };
}

function isWhole(note: ProcessNote, { revision }: ServiceRecord, { pipes, network }: SortSurvivorsDeps): boolean {
  return (
    note.revision === revision &&
    note.network === network &&
    readProcessMark(note.pid) === note.mark &&
    pipes.has(note.instance)
  );
}
