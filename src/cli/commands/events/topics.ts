import type { Command } from "#cli/command.ts";
import type { Session } from "#cli/connection/session.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";
import { formatRetention, readRetention, type RetentionLimits } from "./retention-limits.ts";

/** A topic, as programs get to see it. */
export interface TopicFacts {
  readonly name: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly count: number;
  readonly bytes: number;
  readonly retention: RetentionLimits;
}

/** `micro events topics`. */
export const topics: Command = {
  kind: "command",
  summary: "List topics",
  usage: "",
  details: "FIRST and LAST are the places of the oldest and the newest event.",
  flags: [],
  wordCount: { min: 0, max: 0 },
  run: async ({ session, isJson }) => {
    const all = await readTopics(session);
    if (isJson) printJson(all);
    else if (all.length > 0) printLines(formatTable([header, ...all.map(toRow)]));
  },
};

export async function readTopics(session: Session): Promise<readonly TopicFacts[]> {
  return listOf(fieldsOf(await session.call("events", "Stream.ListTopics", {}))["topics"]).map(readTopic);
}

const header = ["TOPIC", "FIRST", "LAST", "EVENTS", "BYTES", "RETENTION"];

function toRow({ name, first_sequence, last_sequence, count, bytes, retention }: TopicFacts): readonly string[] {
  return [name, ...[first_sequence, last_sequence, count, bytes].map(String), formatRetention(retention)];
}

function readTopic(topic: Fields): TopicFacts {
  return {
    name: textOf(topic["name"]),
    first_sequence: numberOf(topic["first_sequence"]),
    last_sequence: numberOf(topic["last_sequence"]),
    count: numberOf(topic["count"]),
    bytes: numberOf(topic["bytes"]),
    retention: readRetention(topic["retention"]),
  };
}
