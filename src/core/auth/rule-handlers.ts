import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RuleSetSchema, Rules as RulesService } from "#gen/auth/auth_pb.ts";
import { requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import { fromWireRule, toNamespace, toWireRule } from "./auth-wire.ts";
import type { RuleBook, RuleSet } from "./rule-book.ts";
import { watchRules } from "./watch-rules.ts";

/** `auth.Rules` as callers reach it. */
export function ruleHandlers(rules: RuleBook): ProtoHandlers<typeof RulesService> {
  return {
    create: async ({ rule, options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Rules.Create");
      await rules.create(namespace, fromWireRule(rule));
      return {};
    },
    delete: async ({ id, options }, call) => {
      const namespace = toNamespace(options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Rules.Delete");
      await rules.delete(namespace, id);
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
      return watch(rules, namespace, call.signal);
    },
  };
}

async function* watch(
  rules: RuleBook,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof RuleSetSchema>> {
  for await (const set of watchRules(rules, namespace, signal)) yield toWireRuleSet(set);
}

function toWireRuleSet({ namespace, rules, version }: RuleSet): MessageInitShape<typeof RuleSetSchema> {
  return { namespace, rules: rules.map(toWireRule), version: BigInt(version) };
}
