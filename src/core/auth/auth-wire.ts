import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import {
  Access,
  RuleSchema,
  type AccountSchema,
  type ResourceSchema,
  type Resource as WireResource,
  type Rule as WireRule,
  type TokenSchema,
} from "#gen/auth/auth_pb.ts";
import { defaultNamespace, type Account, type Resource, type Rule, type TokenPair } from "#interface/auth.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/** Where a request acts: what it says, else where the call was made. */
export function toNamespace(options: { readonly namespace: string } | undefined, call: ServerCall): string {
  const named = options?.namespace ?? "";
  if (named !== "") return named;
  return call.namespace === "" ? defaultNamespace : call.namespace;
}

/** Where an account logs in: what the request says, else the installation itself. */
export function toLoginNamespace(options: { readonly namespace: string } | undefined): string {
  const named = options?.namespace ?? "";
  return named === "" ? defaultNamespace : named;
}

/** @param secret in clear text, for the answer that shows it the one time. */
export function toWireAccount(account: Account, secret = ""): MessageInitShape<typeof AccountSchema> {
  const { id, type, namespace: issuer, name, scopes, metadata } = account;
  return { id, type, issuer, name, scopes: [...scopes], metadata: { ...metadata }, secret };
}

export function toWireToken(pair: TokenPair): MessageInitShape<typeof TokenSchema> {
  const { accessToken, refreshToken, created, expiry } = pair;
  return { accessToken, refreshToken, created: BigInt(created), expiry: BigInt(expiry) };
}

export function toWireRule(rule: Rule): WireRule {
  const access = rule.access === "granted" ? Access.GRANTED : Access.DENIED;
  const { id, scope, priority } = rule;
  return create(RuleSchema, { id, scope, priority, access, resource: toWireResource(rule.resource) });
}

/** @throws MicroError `invalid_argument` that names the part that is missing. */
export function fromWireRule(rule: WireRule | undefined): Rule {
  if (rule === undefined) throw new MicroError("invalid_argument", "Rule missing");
  if (rule.id === "") throw new MicroError("invalid_argument", "ID missing");
  if (rule.resource === undefined) throw new MicroError("invalid_argument", "Resource missing");
  if (rule.access !== Access.GRANTED && rule.access !== Access.DENIED) {
    throw new MicroError("invalid_argument", "Access missing");
  }
  const access = rule.access === Access.GRANTED ? "granted" : "denied";
  const { id, scope, priority } = rule;
  return { id, scope, priority, access, resource: fromWireResource(rule.resource) };
}

export function fromWireResource({ type, name, endpoint }: WireResource): Resource {
  return { type, name, endpoint };
}

function toWireResource({ type, name, endpoint }: Resource): MessageInitShape<typeof ResourceSchema> {
  return { type, name, endpoint };
}
