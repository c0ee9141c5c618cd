import { MicroError } from "#base/error.ts";
import type { Auth as AuthService, ExplainRequest, TokenRequest } from "#gen/auth/auth_pb.ts";
import { defaultNamespace, type Account, type DataRules, type TokenPair, type TokenVerifier } from "#interface/auth.ts";
import type { AuditSink } from "#interface/audit.ts";
import { requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import { peerHost } from "#rpc/peer-address.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import type { AccountBook } from "./account-book.ts";
import { noteOf } from "./audit-call.ts";
import { toAccount } from "./account-record.ts";
import {
  fromWireResource,
  toLoginNamespace,
  toNamespace,
  toWireAccount,
  toWireRule,
  toWireToken,
} from "./auth-wire.ts";
import { explainAccess } from "./explain-access.ts";
import type { LoginDesk } from "./login-desk.ts";
import type { RefreshBook } from "./refresh-book.ts";
import { createSecret } from "./secret.ts";

export interface TokenHandlersDeps {
  readonly accounts: AccountBook;
  readonly desk: LoginDesk;
  readonly refresh: RefreshBook;
  readonly verifier: TokenVerifier;
  readonly rules: DataRules;
  readonly audit: AuditSink;
  /** True for a core service, for which the rules of the installation count. */
  readonly isCore: (service: string) => boolean;
}

/** `auth.Auth` as callers reach it. */
export function tokenHandlers(deps: TokenHandlersDeps): ProtoHandlers<typeof AuthService> {
  return {
    generate: async (request, call) => {
      const namespace = toNamespace(request.options, call);
      requireNamespaceAdmin(call.account, namespace, "auth.Auth.Generate");
      const { id, type, scopes, metadata, name } = request;
      const secret = request.secret === "" ? createSecret() : request.secret;
      const given = { ...(type === "" ? {} : { type }), ...(name === "" ? {} : { name }) };
      const record = await deps.accounts.create({ namespace, id, scopes, metadata, secret, ...given });
      const scopesText = scopes.length === 0 ? "without scopes" : `scopes ${scopes.join(", ")}`;
      const detail = `type ${record.type}, ${scopesText}`;
      await deps.audit.change(noteOf(call, { namespace, action: "account created", subject: id, detail }));
      return { account: toWireAccount(toAccount(record), secret) };
    },
    inspect: async ({ token }) => {
      const account = await deps.verifier.verify(token);
      if (account === undefined) throw new MicroError("invalid_argument", "invalid token provided");
      return { account: toWireAccount(account) };
    },
    token: async (request, call) => ({ token: toWireToken(await login(deps, request, call)) }),
    revoke: async ({ refreshToken, options }, call) => {
      const namespace = toLoginNamespace(options);
      const accountId = await deps.refresh.revoke(namespace, refreshToken);
      if (accountId === undefined) return {};
      deps.audit.note(noteOf(call, { namespace, action: "logout", subject: accountId, detail: "" }));
      return {};
    },
    explain: async (request, call) => {
      const namespace = toNamespace(request.options, call);
      requireNamespace(call.account, namespace, "auth.Auth.Explain");
      if (request.resource === undefined) throw new MicroError("invalid_argument", "Resource missing");
      const account = await findAccount(deps.accounts, { request, namespace, call });
      const resource = fromWireResource(request.resource);
      const isCoreCall = resource.type.toLowerCase() === "service" && deps.isCore(resource.name);
      const asked = { account, namespace: isCoreCall ? defaultNamespace : namespace, resource };
      const { granted, rule, reason } = explainAccess(deps.rules, asked);
      return { granted, reason, ...(rule === undefined ? {} : { rule: toWireRule(rule) }) };
    },
  };
}

async function login(
  { accounts, desk, audit }: Pick<TokenHandlersDeps, "accounts" | "desk" | "audit">,
  request: TokenRequest,
  call: ServerCall,
): Promise<TokenPair> {
  const { id, secret, refreshToken: token } = request;
  const namespace = toLoginNamespace(request.options);
  const lifetimeMs = Number(request.tokenExpiry) * 1_000;
  if (lifetimeMs < 0) throw new MicroError("invalid_argument", "token_expiry must not be negative");
  if (token !== "") return desk.withRefreshToken({ namespace, token, lifetimeMs });
  const address = peerHost(call.peer);
  if (id !== "" && secret !== "") {
    try {
      const pair = await desk.withSecret({ namespace, id, secret, address, lifetimeMs });
      audit.note(noteOf(call, { namespace, action: "login", subject: id, detail: "with a secret" }));
      return pair;
    } catch (reason) {
      const { detail } = MicroError.from(reason);
      // Some type their secret where the id belongs: what names no account is not kept.
      const known = (await accounts.find(namespace, id))?.id ?? "an unknown account";
      audit.note(noteOf(call, { namespace, action: "login failed", subject: known, detail }));
      throw reason;
    }
  }
  throw new MicroError("invalid_argument", "Credentials or a refresh token required");
}

async function findAccount(
  accounts: AccountBook,
  asked: { request: ExplainRequest; namespace: string; call: ServerCall },
): Promise<Account | undefined> {
  const { accountId, accountNamespace } = asked.request;
  if (accountId === "") return undefined;
  const namespace = accountNamespace === "" ? asked.namespace : accountNamespace;
  requireNamespace(asked.call.account, namespace, "auth.Auth.Explain");
  const record = await accounts.find(namespace, accountId);
  if (record !== undefined) return toAccount(record);
  throw new MicroError("not_found", `there is no account ${accountId} in namespace ${namespace}`);
}
