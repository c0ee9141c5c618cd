import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Stoppable } from "#base/lifecycle.ts";
import { limits } from "#base/limits.ts";
import type { Logger } from "#base/logger.ts";
import type { AuditEntry, AuditNote, AuditSink } from "#interface/audit.ts";
import { defaultNamespace } from "#interface/auth.ts";
import type { Store } from "#interface/store.ts";
import { AuditDrawer } from "./audit-drawer.ts";
import { readAudit, type AuditQuery } from "./read-audit.ts";

export interface AuditLogDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An entry that what happens again is added to. */
interface OpenEntry {
  readonly key: string;
  entry: AuditEntry;
  isNew: boolean;
  isWritten: boolean;
}

/**
 * What was refused and changed, in the store. Changes and the rest lie apart, so that a flood of refusals pushes no change
 * out; either holds so many entries and no more, and the oldest go.
 */
export class AuditLog implements AuditSink, Stoppable {
  readonly #deps: AuditLogDeps;
  readonly #changes: AuditDrawer;
  readonly #notes: AuditDrawer;
  readonly #open = new Map<string, OpenEntry>();
  #allowance: { count: number; atMs: number };
  #lostCount = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(deps: AuditLogDeps) {
    this.#deps = deps;
    const { store, clock } = deps;
    this.#changes = new AuditDrawer({ store, clock }, { prefix: "change/", countMax: limits.auditChangeCountMax });
    this.#notes = new AuditDrawer({ store, clock }, { prefix: "note/", countMax: limits.auditNoteCountMax });
    this.#allowance = { count: limits.auditNoteBurstCount, atMs: clock.now() };
  }

  note(note: AuditNote): void {
    if (this.#isStopped) return;
    const nowMs = this.#deps.clock.now();
    const short = shorten(note);
    const { namespace, action, account, subject, address } = short;
    const what = JSON.stringify([namespace, action, account?.namespace, account?.id, subject, address]);
    const known = this.#open.get(what);
    if (known !== undefined && nowMs - known.entry.firstMs < limits.auditNoteWindowMs) {
      known.entry = { ...known.entry, lastMs: nowMs, count: known.entry.count + 1 };
      known.isWritten = false;
    } else if (this.#mayBegin(nowMs)) {
      // The one whose minute is over still has to be written.
      if (known !== undefined && !known.isWritten) this.#open.set(known.key, known);
      const entry = { ...short, firstMs: nowMs, lastMs: nowMs, count: 1 };
      this.#open.set(what, { key: this.#notes.newKey(nowMs), entry, isNew: true, isWritten: false });
    } else this.#lostCount += 1;
    this.#timer ??= setTimeout(() => void this.flush(), limits.auditFlushMs);
  }

  async change(note: AuditNote): Promise<void> {
    const nowMs = this.#deps.clock.now();
    const entry = { ...shorten(note), firstMs: nowMs, lastMs: nowMs, count: 1 };
    await this.#changes.write([{ key: this.#changes.newKey(nowMs), entry, isNew: true }]);
  }

  /** Newest first. */
  async read(query: AuditQuery): Promise<readonly AuditEntry[]> {
    await this.flush();
    return readAudit(this.#deps.store, [this.#changes.prefix, this.#notes.prefix], query);
  }

  /** Writes what waits. A disk that refuses is told to the log of the server; the notes wait for the next time. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#writeOpen());
    return this.#flushing;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.flush();
  }

  async #writeOpen(): Promise<void> {
    const nowMs = this.#deps.clock.now();
    const waiting = [...this.#open.values()].filter(({ isWritten }) => !isWritten);
    const entries = waiting.map(({ key, entry, isNew }) => ({ key, entry, isNew }));
    for (const each of waiting) {
      each.isWritten = true;
      each.isNew = false;
    }
    const lostCount = this.#lostCount;
    if (lostCount > 0) entries.push({ key: this.#notes.newKey(nowMs), entry: toLost(lostCount, nowMs), isNew: true });
    try {
      if (entries.length > 0) await this.#notes.write(entries);
      this.#lostCount -= lostCount;
    } catch (reason) {
      for (const each of waiting) each.isWritten = false;
      this.#deps.logger.warn("the audit log could not be written", { error: MicroError.from(reason) });
    }
    for (const [what, { entry, isWritten }] of this.#open) {
      const isOver = nowMs - entry.firstMs >= limits.auditNoteWindowMs;
      if (isOver && (isWritten || this.#open.size > limits.auditNoteBurstCount)) this.#open.delete(what);
    }
  }

  /** So many new entries at once, then so many a second: who makes up names must not push out what others did. */
  #mayBegin(nowMs: number): boolean {
    const { count, atMs } = this.#allowance;
    const refilled = count + Math.max(0, ((nowMs - atMs) / 1_000) * limits.auditNotesPerSecond);
    const left = Math.min(limits.auditNoteBurstCount, refilled);
    const isAllowed = left >= 1 && this.#open.size < 2 * limits.auditNoteBurstCount;
    this.#allowance = { count: isAllowed ? left - 1 : left, atMs: nowMs };
    return isAllowed;
  }
}

function toLost(count: number, nowMs: number): AuditEntry {
  const detail = "so many came at once that these were counted alone";
  return {
    namespace: defaultNamespace,
    action: "not kept",
    subject: "",
    address: "",
    detail,
    firstMs: nowMs,
    lastMs: nowMs,
    count,
  };
}

/** Callers choose names and thereby how long texts are. */
function shorten(note: AuditNote): AuditNote {
  const { account } = note;
  return {
    namespace: cut(note.namespace),
    action: note.action,
    subject: cut(note.subject),
    address: cut(note.address),
    detail: cut(note.detail),
    ...(account === undefined ? {} : { account: { id: cut(account.id), namespace: cut(account.namespace) } }),
  };
}

function cut(text: string): string {
  return text.length > limits.auditTextLengthMax ? `${text.slice(0, limits.auditTextLengthMax - 1)}…` : text;
}
