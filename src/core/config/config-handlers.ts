import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { MicroError } from "#base/error.ts";
import type {
  Config as ConfigService,
  RevisionSchema,
  ValueSchema,
  WatchResponseSchema,
} from "#gen/config/config_pb.ts";
import { defaultNamespace, type DataRules } from "#interface/auth.ts";
import type { Config, ConfigChangeOptions, ConfigKey, ConfigRevision, ConfigState } from "#interface/config.ts";
import { requireData } from "#interface/data-access.ts";
import { holdRight } from "#interface/hold-right.ts";
import { requireNamespaceAdmin, requireOwnNamespace } from "#interface/namespace-access.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import type { ServerCall } from "#rpc/server-call.ts";

/** `config.Config` as callers reach it: administrators of a namespace read and change its document, and whom rules let. */
export function configHandlers(config: Config, rules: DataRules | undefined): ProtoHandlers<typeof ConfigService> {
  const require = (key: ConfigKey, call: ServerCall, right: ConfigRight): ConfigAccess =>
    requireAccess(rules, call, { key, right });
  return {
    get: async (request, call) => {
      const showsSecrets = request.options?.secret ?? false;
      const { key } = require(request, call, showsSecrets ? "secret" : "read");
      const state = requireDocument(await config.read(key, { showsSecrets }));
      return { value: toValue(state.json), revision: BigInt(state.revision) };
    },
    set: async (request, call) => {
      const { key, account } = require(request, call, "write");
      if (request.value === undefined) throw new MicroError("invalid_argument", "invalid change");
      const options = { ...toChange(account, request.expectedRevision), isSecret: request.options?.secret ?? false };
      return { revision: BigInt(await config.set(key, request.value.data, options)) };
    },
    delete: async (request, call) => {
      const { key, account } = require(request, call, "write");
      const revision = await config.delete(key, toChange(account, request.expectedRevision));
      requireDocument({ json: undefined, revision });
      return { revision: BigInt(revision) };
    },
    read: async (request, call) => {
      const { key } = require(request, call, "read");
      const { json = "null" } = requireDocument(await config.read(key));
      const [newest] = await config.history({ ...key, path: "" }, 1);
      const checksum = createHash("sha256").update(json).digest("hex");
      const timestamp = toSeconds(newest?.timestampMs ?? 0);
      return { change: { ...key, changeSet: { data: json, checksum, format, source: "config", timestamp } } };
    },
    watch: (request, call) => {
      const showsSecrets = request.options?.secret ?? false;
      const { key } = require(request, call, showsSecrets ? "secret" : "read");
      const check = (): void => void require(request, call, showsSecrets ? "secret" : "read");
      return holdRight({ rules, signal: call.signal, check }, (signal) =>
        watch(config.watch(key, { showsSecrets, signal })),
      );
    },
    history: async (request, call) => {
      const { key } = require(request, call, "read");
      return { revisions: (await config.history(key, toNumber("limit", request.limit))).map(toWire) };
    },
    rollback: async (request, call) => {
      const { key, account } = require({ namespace: request.namespace, path: "" }, call, "write");
      const options = toChange(account, request.expectedRevision);
      const revision = await config.rollback(key.namespace, toNumber("revision", request.revision), options);
      return { revision: BigInt(revision) };
    },
    rotateKey: async (_request, call) => {
      requireNamespaceAdmin(call.account, defaultNamespace, call.endpoint);
      return { secrets: BigInt(await config.rotateKey()) };
    },
  };
}

const format = "json";

/** What somebody does with a value, as rules of type `config` name it. */
type ConfigRight = "read" | "secret" | "write";

interface ConfigAccess {
  readonly key: ConfigKey;
  readonly account: string;
}

/** An empty namespace is that of the caller. Rules name the first word of a path; the whole document is `*`. */
function requireAccess(
  rules: DataRules | undefined,
  call: ServerCall,
  { key, right }: { readonly key: ConfigKey; readonly right: ConfigRight },
): ConfigAccess {
  const at = call.endpoint;
  const namespace = key.namespace === "" ? requireOwnNamespace(call.account, call.namespace, at) : key.namespace;
  const [first = ""] = key.path.split(".", 1);
  const resource = { type: "config", name: first === "" ? "*" : first, endpoint: right } as const;
  const { id } = requireData(rules, call.account, { namespace, resource, at });
  return { key: { namespace, path: key.path }, account: id };
}

/** Micro's clients tell a namespace without a document by 404. */
function requireDocument(state: ConfigState): ConfigState {
  if (state.revision > 0) return state;
  throw new MicroError("not_found", "Not found");
}

async function* watch(
  states: AsyncIterable<ConfigState>,
): AsyncGenerator<MessageInitShape<typeof WatchResponseSchema>> {
  for await (const { json, revision } of states) yield { value: toValue(json), revision: BigInt(revision) };
}

function toChange(account: string, expectedRevision: bigint | undefined): ConfigChangeOptions {
  if (expectedRevision === undefined) return { account };
  return { account, expectedRevision: toNumber("expected_revision", expectedRevision) };
}

function toWire(entry: ConfigRevision): MessageInitShape<typeof RevisionSchema> {
  const { revision, path, json, timestampMs, account, rolledBackTo } = entry;
  return {
    revision: BigInt(revision),
    path,
    timestamp: toSeconds(timestampMs),
    account,
    ...(json === undefined ? {} : { value: toValue(json) }),
    ...(rolledBackTo === undefined ? {} : { rolledBackTo: BigInt(rolledBackTo) }),
  };
}

/** What is missing reads as `null`. */
function toValue(json: string | undefined): MessageInitShape<typeof ValueSchema> {
  return { data: json ?? "null", format };
}

function toSeconds(timestampMs: number): bigint {
  return BigInt(Math.floor(timestampMs / 1_000));
}

/** @throws MicroError `invalid_argument` for more than any revision ever is. */
function toNumber(what: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new MicroError("invalid_argument", `${what} ${value} is too large`);
}
