import { MicroError } from "#base/error.ts";
import type { Resource, Runtime as RuntimeService, Service } from "#gen/runtime/runtime_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { requireNamespace, requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { Runtime, ServiceKey } from "#interface/runtime.ts";
import type { ProtoHandlers } from "#rpc/proto-service.ts";
import { logsHandler, type LogsHandlerDeps } from "./logs-handler.ts";
import { fromWireCreate, fromWireUpdate, toWireService, unsaidOptions, withoutOwnKeys } from "./runtime-wire.ts";

export interface RuntimeHandlersDeps extends LogsHandlerDeps {
  readonly runtime: Runtime;
}

/**
 * `runtime.Runtime` as callers reach it: who is known in a namespace sees its services, its administrators change them
 * and read their logs. Namespaces, network policies and quotas are checked and accepted: local processes have none.
 */
export function runtimeHandlers(deps: RuntimeHandlersDeps): ProtoHandlers<typeof RuntimeService> {
  const { runtime } = deps;
  const change =
    (
      act: (key: ServiceKey, instances: number) => Promise<void>,
    ): NonNullable<ProtoHandlers<typeof RuntimeService>["restart"]> =>
    async ({ resource, options }, call) => {
      const namespace = toNamespace(options);
      requireNamespaceAdmin(call.account, namespace, call.endpoint);
      const service = readResource(resource);
      if (service !== undefined) await act(toKey(service, namespace), Number(options?.instances ?? 0n));
      return {};
    };
  return {
    create: async ({ resource, options }, call) => {
      const namespace = toNamespace(options);
      const account = requireNamespaceAdmin(call.account, namespace, call.endpoint);
      const service = readResource(resource);
      if (service === undefined) return {};
      const key = toKey(service, namespace);
      const owner = account.name === "" ? account.id : account.name;
      const metadata = { ...withoutOwnKeys(service.metadata), group: account.namespace };
      const given = { ...fromWireCreate(options), sourceNamespace: account.namespace };
      try {
        await runtime.create(key, service.source, { ...given, metadata, owner });
      } catch (reason) {
        if (options?.force !== true || MicroError.from(reason).code !== "conflict") throw reason;
        await runtime.update(key, service.source, { ...unsaidOptions, ...given, metadata });
      }
      return {};
    },
    read: async ({ options }, call) => {
      const namespace = toNamespace(options);
      requireNamespace(call.account, namespace, call.endpoint);
      const { service: name = "", version = "" } = options ?? {};
      const services = await runtime.read({
        namespace,
        ...(name === "" ? {} : { name }),
        ...(version === "" ? {} : { version }),
      });
      return { services: services.map(toWireService) };
    },
    update: async ({ resource, options }, call) => {
      const namespace = toNamespace(options);
      const account = requireNamespaceAdmin(call.account, namespace, call.endpoint);
      const service = readResource(resource);
      if (service === undefined) return {};
      const metadata = withoutOwnKeys(service.metadata);
      const { canary = 0 } = options ?? {};
      const said = canary === 0 ? {} : { canaryPercent: canary };
      const given = { ...fromWireUpdate(options), ...said, metadata, sourceNamespace: account.namespace };
      await runtime.update(toKey(service, namespace), service.source, given);
      return {};
    },
    delete: async ({ resource, options }, call) => {
      const namespace = toNamespace(options);
      requireNamespaceAdmin(call.account, namespace, call.endpoint);
      const service = readResource(resource);
      if (service !== undefined) await runtime.delete(toKey(service, namespace));
      return {};
    },
    restart: change((key) => runtime.restart(key)),
    scale: change((key, instances) => runtime.scale(key, instances)),
    rollback: change((key) => runtime.rollback(key)),
    promote: change((key) => runtime.promote(key)),
    logs: logsHandler(deps),
  };
}

function toNamespace(options: { readonly namespace: string } | undefined): string {
  return options === undefined || options.namespace === "" ? defaultNamespace : options.namespace;
}

/** The service that is meant, or undefined for another kind of resource, which needs nothing done here. */
function readResource(resource: Resource | undefined): Service | undefined {
  const { namespace, networkpolicy, resourcequota, service } = resource ?? {};
  const [other] = [namespace, networkpolicy, resourcequota].filter((each) => each !== undefined);
  if (other !== undefined) {
    if (other.name === "" || ("namespace" in other && other.namespace === "")) {
      throw new MicroError("invalid_argument", "the resource needs a name, and a namespace where it has one");
    }
    return undefined;
  }
  if (service !== undefined) return service;
  throw new MicroError("invalid_argument", "blank resource");
}

function toKey({ name, version }: Service, namespace: string): ServiceKey {
  return { namespace, name, version: version === "" ? "latest" : version };
}
