import type { Outcome, Task } from "#gen/store/store_pb.ts";
import type { StoreRecord, StoreScope } from "#interface/store.ts";

/**
 * One piece of work of `Store.Execute`. What callers do by the thousand is said in plain values; all else, such as a
 * batch, or a record that expires, is the library's message.
 */
export type StoreTask =
  | { readonly kind: "read"; readonly scope: StoreScope; readonly key: string }
  | {
      readonly kind: "write";
      readonly scope: StoreScope;
      readonly key: string;
      /** May be a view of the request. */
      readonly value: Uint8Array;
      readonly expectedRevision: number | undefined;
    }
  | {
      readonly kind: "delete";
      readonly scope: StoreScope;
      readonly key: string;
      readonly expectedRevision: number | undefined;
    }
  | { readonly kind: "other"; readonly work: Task["work"] };

/** What became of a task. */
export type TaskOutcome =
  | { readonly kind: "read"; readonly record: StoreRecord; readonly nowMs: number }
  | { readonly kind: "written"; readonly revision: number }
  | { readonly kind: "deleted" }
  /** With the HTTP status that every error has. */
  | { readonly kind: "failed"; readonly code: number; readonly detail: string }
  | { readonly kind: "other"; readonly result: Outcome["result"] };
