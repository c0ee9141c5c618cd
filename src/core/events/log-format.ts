import { limits } from "#base/limits.ts";
import type { SqliteFormat } from "#sqlite/sqlite-format.ts";

/**
 * The file of an event log.
 *
 * Events that reach the disk together are kept as one row, a chunk: in trials with 128 B, 200 a commit, a row for every
 * event took twice the processor time to write, five times to read, and a fifth more space. Chunks of a topic lie side by
 * side, in order, because their rowid (`place`) is made of the number of the topic and the place of the first event; a
 * second index would double the work, and a table without rowids took twice the time and the space for payloads of 2 KB.
 * `checksum` is the CRC-32 of the events, so that a payload that was damaged on disk is never given out.
 *
 * A topic holds the places from `first_sequence` to `last_sequence` without gaps; those up to `trim_to` are gone for
 * readers, also where they are still on disk. Without a name it was deleted, and its events go bit by bit.
 *
 * `publisher_batch` has the places of the events of a publisher's last batches, so that one that comes again is answered
 * and not appended; a new one takes the slot of one that is too old.
 */
export const logFormat: SqliteFormat = {
  at: "events",
  what: "event log",
  checkBytesMax: limits.eventCheckBytesMax,
  migrations: [
    `
    CREATE TABLE topic (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      namespace TEXT NOT NULL,
      name TEXT,
      id_prefix TEXT NOT NULL,
      first_sequence INTEGER NOT NULL,
      last_sequence INTEGER NOT NULL,
      trim_to INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      arrived_at_ms INTEGER NOT NULL,
      retention_age_ms INTEGER,
      retention_bytes INTEGER,
      retention_count INTEGER,
      UNIQUE (namespace, name)
    );
    CREATE TABLE chunk (
      place INTEGER PRIMARY KEY,
      count INTEGER NOT NULL,
      id_count INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      arrived_at_ms INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      events BLOB NOT NULL
    );
    CREATE TABLE event_id (
      topic_id INTEGER NOT NULL,
      id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      PRIMARY KEY (topic_id, id)
    ) WITHOUT ROWID;
    CREATE TABLE group_place (
      namespace TEXT NOT NULL,
      topic TEXT NOT NULL,
      group_name TEXT NOT NULL,
      place BLOB NOT NULL,
      PRIMARY KEY (namespace, topic, group_name)
    ) WITHOUT ROWID;
    `,
    `
    CREATE TABLE publisher_batch (
      namespace TEXT NOT NULL,
      publisher TEXT NOT NULL,
      slot INTEGER NOT NULL,
      number INTEGER NOT NULL,
      saved_at_ms INTEGER NOT NULL,
      sequences BLOB NOT NULL,
      PRIMARY KEY (namespace, publisher, slot)
    ) WITHOUT ROWID;
    `,
  ],
};

/** SQL that makes the rowid of a chunk from the number of a topic and a place. A topic has room for 2^40 events. */
export function placeOf(topicId: string, sequence: string): string {
  return `((${topicId} << 40) | ${sequence})`;
}

/** SQL that takes the place out of the rowid of a chunk. */
export const sequenceOfPlace = "(place & 0xffffffffff)";
