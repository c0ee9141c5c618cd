import type { Command } from "#cli/command.ts";
import { formatTable } from "#cli/output/format-table.ts";
import { printJson, printLines, printNote } from "#cli/output/print.ts";
import { fieldsOf, listOf, numberOf, textOf, type Fields } from "#cli/service-answer.ts";

interface GroupFacts {
  readonly topic: string;
  readonly name: string;
  readonly sequence: number;
  readonly lag: number;
  readonly pending: number;
  readonly consumers: number;
  readonly dead: number;
}

/** `micro events groups [TOPIC]`. */
export const groups: Command = {
  kind: "command",
  summary: "List consumer groups and how far they have come",
  usage: "[TOPIC]",
  details:
    "SEQUENCE is the place up to which everything is done, LAG what is behind it, PENDING what is sent and not\n" +
    "acknowledged, DEAD what was given up: see micro events redrive.",
  flags: [],
  wordCount: { min: 0, max: 1 },
  run: async ({ session, words: [topic = ""], isJson }) => {
    const answer = fieldsOf(await session.call("events", "Stream.ListGroups", { topic }));
    const all = listOf(answer["groups"]).map(readGroup);
    if (isJson) printJson(all);
    else if (all.length > 0) printLines(formatTable([header, ...all.map(toRow)]));
  },
};

/** `micro events redrive TOPIC GROUP`. */
export const redrive: Command = {
  kind: "command",
  summary: "Give the dead letters of a group to it once more",
  usage: "TOPIC GROUP",
  details: "micro events redrive orders billing --limit 10",
  flags: [{ name: "limit", short: "l", kind: "string", placeholder: "N", help: "at most N, the oldest first" }],
  wordCount: { min: 2, max: 2 },
  run: async ({ session, words: [topic, group], flags, isJson }) => {
    const body = { topic, group, limit: flags.count("limit") ?? 0 };
    const count = numberOf(fieldsOf(await session.call("events", "Stream.Redrive", body))["count"]);
    if (isJson) printJson({ count });
    else printNote(`${count} ${count === 1 ? "event is" : "events are"} given once more`);
  },
};

/** `micro events delete-group TOPIC GROUP`: silent. */
export const deleteGroup: Command = {
  kind: "command",
  summary: "Forget a group, which then begins anew",
  usage: "TOPIC GROUP",
  details: "Not while consumers of it are connected.",
  flags: [],
  wordCount: { min: 2, max: 2 },
  run: async ({ session, words: [topic, group] }) => {
    await session.call("events", "Stream.DeleteGroup", { topic, group });
  },
};

/** `micro events delete TOPIC`: silent, also where there is none. */
export const deleteTopic: Command = {
  kind: "command",
  summary: "Remove a topic with its events and groups",
  usage: "TOPIC",
  details: "micro events delete orders",
  flags: [],
  wordCount: { min: 1, max: 1 },
  run: async ({ session, words: [topic] }) => {
    await session.call("events", "Stream.DeleteTopic", { topic });
  },
};

const header = ["TOPIC", "GROUP", "SEQUENCE", "LAG", "PENDING", "CONSUMERS", "DEAD"];

function toRow({ topic, name, sequence, lag, pending, consumers, dead }: GroupFacts): readonly string[] {
  return [topic, name, ...[sequence, lag, pending, consumers, dead].map(String)];
}

function readGroup(group: Fields): GroupFacts {
  return {
    topic: textOf(group["topic"]),
    name: textOf(group["name"]),
    sequence: numberOf(group["sequence"]),
    lag: numberOf(group["lag"]),
    pending: numberOf(group["pending"]),
    consumers: numberOf(group["consumers"]),
    dead: numberOf(group["dead"]),
  };
}
