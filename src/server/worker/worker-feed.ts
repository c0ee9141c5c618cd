import type { Stoppable } from "#base/lifecycle.ts";
import type { RuleBook } from "#core/auth/rule-book.ts";
import type { TokenCutoffs } from "#core/auth/token-cutoffs.ts";
import type { Readiness } from "#gateway/readiness.ts";
import type { Registry, RegistryEvent } from "#interface/registry.ts";
import type { StateMessage } from "./worker-message.ts";

/** What workers follow. */
export interface WorkerFeedDeps {
  readonly registry: Pick<Registry, "watch">;
  readonly ruleBook: Pick<RuleBook, "all" | "onChange">;
  readonly cutoffs: Pick<TokenCutoffs, "all" | "onChange">;
  readonly readiness: Readiness;
}

/** Tells one worker what the server knows, then what changes. When it is given, everything has been told once. */
export async function openWorkerFeed(
  { registry, ruleBook, cutoffs, readiness }: WorkerFeedDeps,
  tell: (message: StateMessage) => void,
): Promise<Stoppable> {
  const tellReadiness = (): void => tell({ kind: "readiness", reasons: readiness.reasons });
  const unsubscribe = [
    ruleBook.onChange(({ namespace, rules }) => tell({ kind: "rules", sets: [{ namespace, rules }] })),
    cutoffs.onChange((ended) => tell({ kind: "ended", tokens: [ended] })),
    readiness.onChange(tellReadiness),
  ];
  tell({ kind: "ended", tokens: cutoffs.all() });
  tell({ kind: "rules", sets: ruleBook.all().map(({ namespace, rules }) => ({ namespace, rules })) });
  tellReadiness();
  const leaving = new AbortController();
  const events = registry.watch({ signal: leaving.signal })[Symbol.asyncIterator]();
  const first = await events.next();
  if (first.done !== true) tell({ kind: "registry", event: first.value });
  const following = follow(events, (event) => tell({ kind: "registry", event }));
  return {
    stop: async () => {
      for (const each of unsubscribe) each();
      leaving.abort();
      await following;
    },
  };
}

async function follow(events: AsyncIterator<RegistryEvent>, tell: (event: RegistryEvent) => void): Promise<void> {
  for (let next = await events.next(); next.done !== true; next = await events.next()) tell(next.value);
}
