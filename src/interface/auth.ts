import type { Metadata } from "#base/metadata.ts";

/** The namespace of the installation itself: core services live here, its administrators may act on every namespace. */
export const defaultNamespace = "micro";

/** Who somebody is: a user or a service. */
export interface Account {
  readonly id: string;
  /** `user` or `service`; other words are allowed and get no special rights. */
  readonly type: string;
  /** The namespace that issued it (`issuer` on the wire). */
  readonly namespace: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly metadata: Metadata;
}

/** What is asked for: a service's endpoint, a topic, a table … `*` stands for all. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly endpoint: string;
}

export interface Rule {
  readonly id: string;
  /** `` everybody, also without an account; `*` any account of this namespace; `+` any account at all; else a scope that the account must hold. */
  readonly scope: string;
  readonly resource: Resource;
  readonly access: "granted" | "denied";
  /** Higher decides first; equal ones in order of their id. */
  readonly priority: number;
}

/** Why a request may pass or not. */
export interface Decision {
  readonly granted: boolean;
  /** The rule that decided; absent when none did, which denies. */
  readonly rule?: Rule;
}

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. */
  readonly expiry: number;
}

/** Says who a token speaks for. Every enforcement point asks this before anything else. */
export interface TokenVerifier {
  /**
   * The account of a valid access token, or undefined for one that is expired, tampered with, of another issuer, or not
   * an access token at all. Answers at once for a token that was seen before.
   */
  verify(token: string): Account | undefined | Promise<Account | undefined>;
}

/** Decides on access rules. Synchronous, because it is asked on each request. */
export interface AccessRules {
  /** @param namespace the namespace of the resource, whose rules apply. */
  decide(account: Account | undefined, namespace: string, resource: Resource): Decision;
}

/** The same for resources that can be asked for many at once. */
export interface DataRules extends AccessRules {
  /** Names that rules of the namespace deny something of, for resources of a type, in lower case; without `*`. */
  deniedNames(namespace: string, type: string): readonly string[];
  /** True for an account as a token said it that has ended since, for whoever still holds it. */
  hasEnded(account: Account): boolean;
  /** Calls `listener` after each change of rules, and when tokens have ended. Returns what ends that. */
  onChange(listener: () => void): () => void;
}

/** What the runtime needs of auth: an identity for every process that it starts. */
export interface LaunchIdentities {
  /** Makes sure that the service has an account and returns a credential for one instance of it. */
  issue(launch: {
    namespace: string;
    service: string;
    version: string;
    instance: string;
  }): Promise<{ id: string; secret: string }>;
  /** The service is gone for good: its account and credentials end. */
  revoke(launch: { namespace: string; service: string; version: string }): Promise<void>;
}
