import type { Metadata } from "#base/metadata.ts";

/** A type tree: what a message looks like, in the form that every Micro client reads. */
export interface Value {
  /** Field name; at the top the message name. */
  readonly name: string;
  /** `string`, `int64`, `bool`, `float64` …, a message's name, `[]` + element type, or `map[K]V`. Bytes are `[]uint8`. */
  readonly type: string;
  /** Fields of a message; empty for scalars. */
  readonly values: readonly Value[];
}

/** One callable method of a service. */
export interface Endpoint {
  /** `Type.Method`. */
  readonly name: string;
  readonly request: Value;
  readonly response: Value;
  /** `stream` = `true` for every kind but unary; `kind` holds the method kind; `description` one sentence. */
  readonly metadata: Metadata;
}

/** One running process of a service. */
export interface ServiceNode {
  readonly id: string;
  /** Where it speaks gRPC: `host:port` or `unix:/path`. */
  readonly address: string;
  /** `http`: address of its HTTP/1.1 listener where it has one; `instance`: the runtime's instance, set by the registry from the caller's account. */
  readonly metadata: Metadata;
}

/** One version of a service with its nodes. */
export interface ServiceEntry {
  readonly name: string;
  readonly version: string;
  readonly metadata: Metadata;
  readonly endpoints: readonly Endpoint[];
  readonly nodes: readonly ServiceNode[];
}

/**
 * What changed. `create`: a version that was not there; `update`: its endpoints, metadata or nodes changed (the entry is
 * the new whole); `delete`: its last node left; `snapshot`: forget what you knew, this is everything: sent first, and
 * again to a watcher that fell behind.
 */
export type RegistryEvent =
  | {
      readonly action: "create" | "update" | "delete";
      readonly domain: string;
      readonly service: ServiceEntry;
      readonly timestampMs: number;
    }
  | { readonly action: "snapshot"; readonly services: readonly DomainEntry[]; readonly timestampMs: number };

/** A service entry and the domain (namespace) that it lives in. */
export interface DomainEntry {
  readonly domain: string;
  readonly service: ServiceEntry;
}

export interface RegisterOptions {
  readonly domain: string;
  /** Life without a heartbeat, in milliseconds; 0 is for ever. @default limits.registryTtlMs */
  readonly ttlMs?: number;
}

export interface WatchOptions {
  /** Only this domain; absent: all. */
  readonly domain?: string;
  /** Only this service; absent: all. */
  readonly service?: string;
  readonly signal?: AbortSignal;
}

/**
 * Every service with its versions, nodes and schema. The domain of an entry is the namespace of its callers.
 *
 * Registering again is the heartbeat, and brings endpoints and metadata up to date. An entry whose node is not heard of
 * for its TTL leaves, and watchers are told.
 */
export interface Registry {
  register(service: ServiceEntry, options: RegisterOptions): Promise<void>;
  /** Removes the nodes that the entry names. Unknown ones are no error. */
  deregister(service: ServiceEntry, options: { readonly domain: string }): Promise<void>;
  /** One entry per version, or none. */
  getService(name: string, options: { readonly domain: string }): Promise<readonly ServiceEntry[]>;
  /** Ordered by name, then version. */
  listServices(options: { readonly domain: string }): Promise<readonly ServiceEntry[]>;
  /** Ends when `signal` aborts or the reader leaves. No change is ever missed. */
  watch(options: WatchOptions): AsyncIterable<RegistryEvent>;
}

/** What one process of the runtime registered: it may serve more than one service. */
export interface InstanceRegistration {
  readonly domain: string;
  /** The name that the service gave itself, which need not be that of its deployment. */
  readonly name: string;
  readonly version: string;
  readonly node: ServiceNode;
}

/** Metadata of a node that gets a share of the calls to its service, in percent: of all nodes with this key together. */
export const shareKey = "share";

/**
 * The runtime's hold on the nodes of its processes: it knows whether they answer, so it says whether calls go there.
 *
 * What a withheld instance registers is kept and shown to nobody else; heartbeats renew it.
 */
export interface InstanceTraffic {
  /** Everything that an instance has registered, withheld or not, in the order in which it did. */
  registrations(instance: string): readonly InstanceRegistration[];
  /** The instances that serve this version of a service to callers. */
  servers(version: Omit<InstanceRegistration, "node">): readonly string[];
  /** Calls `listener` after an instance has registered something. Returns what ends that. */
  onRegistered(listener: (instance: string) => void): () => void;
  /** From now on no call goes to this instance, until it is admitted. */
  withhold(instance: string): void;
  /** Lets calls go there. @param share percent of the calls to its service, as of a canary; undefined: as to any other. */
  admit(instance: string, share?: number): void;
  /** Its process is dead: its nodes leave at once, and nothing is kept. Returns how many nodes there were. */
  removeInstance(instance: string): number;
}

/**
 * The same knowledge, read at once: what an edge asks on every request. Answers are shared and stay as they are; a change
 * in the registry replaces them.
 */
export interface ServiceDirectory {
  /** Every node of every version; empty when the service is not known in this namespace. */
  nodes(service: string, namespace: string): readonly ServiceNode[];
  /** An endpoint by its exact name; where versions differ, one that streams goes first. */
  endpoint(service: string, namespace: string, endpoint: string): Endpoint | undefined;
  /** Every version of every service, ordered by name, then version. */
  services(namespace: string): readonly ServiceEntry[];
  /** False for a service that publishes no endpoint, so that nobody can tell from here what it answers. */
  hasEndpoints(service: string, namespace: string): boolean;
}
