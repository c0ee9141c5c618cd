import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RuleSetSchema, Rules as RulesService } from "#gen/auth/auth_pb.ts";
import type { AuditSink } from "#interface/audit.ts";
import type { Rule } from "#interface/auth.ts";
import { requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import { noteOf } from "./audit-call.ts";
import { fromWireRule, toNamespace, toWireRule } from "./auth-wire.ts";
import type { RuleBook } from "./rule-book.ts";
import type { TokenCutoffs } from "./token-cutoffs.ts";
import { watchRules, type WatchedRules, type WatchRulesDeps } from "./watch-rules.ts";

export interface RuleHandlersDeps {
  readonly ruleBook: RuleBook;
  readonly cutoffs: TokenCutoffs;
  readonly audit: AuditSink;
  /** Ends watches when it aborts. */
  readonly ending: AbortSignal;
}

/** `auth.Rules` as callers reach it. */
export function ruleHandlers({
  ruleBook: rules,
  cutoffs,
  audit,
  ending,
}: RuleHandlersDeps): ProtoHandlers<typeof RulesService> {
  return {
    create: async ({ rule, options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Rules.Create");
      const created = fromWireRule(rule);
      await rules.create(namespace, created);
      const note = { namespace, action: "rule created", subject: created.id, detail: describeRule(created) };
      await audit.change(noteOf(call, note));
      return {};
    },
    delete: async ({ id, options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Rules.Delete");
      const known = rules.get(namespace).rules.find((each) => each.id === id);
      await rules.delete(namespace, id);
      if (known === undefined) return {};
      const note = { namespace, action: "rule deleted", subject: id, detail: describeRule(known) };
      await audit.change(noteOf(call, note));
      return {};
    },
    list: ({ options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespace(call.account, namespace, "auth.Rules.List");
      return { rules: rules.get(namespace).rules.map(toWireRule) };
    },
    watch: ({ options }, call) => {
      // "*" is every namespace; the check lets it pass for administrators of the installation alone.
      const namespace = toNamespace(options, call);
      requireNamespace(call.account, namespace, "auth.Rules.Watch");
      return watch({ book: rules, cutoffs }, namespace, AbortSignal.any([call.signal, ending]));
    },
  };
}

function describeRule({ access, resource, scope, priority }: Rule): string {
  const { type, name, endpoint } = resource;
  return `${access} ${type}:${name}:${endpoint} to scope "${scope}", priority ${priority}`;
}

async function* watch(
  deps: WatchRulesDeps,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof RuleSetSchema>> {
  for await (const set of watchRules(deps, namespace, signal)) yield toWireRuleSet(set);
}

function toWireRuleSet({ namespace, rules, version, ended }: WatchedRules): MessageInitShape<typeof RuleSetSchema> {
  return {
    namespace,
    rules: rules.map(toWireRule),
    version: BigInt(version),
    ended: ended.map(({ id, generation }) => ({ account: id, generation: BigInt(generation) })),
  };
}
