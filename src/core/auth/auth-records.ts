import type { StoreScope } from "#interface/store.ts";

/** Where auth keeps its records. Names in keys hold no slash, so that a prefix that ends in one is exact. */
export const authScope: StoreScope = { database: "micro", table: "auth" };

/** Where the audit log lies. Nobody reaches it through the service `store` either. */
export const auditScope: StoreScope = { database: "micro", table: "auth-audit" };

export const authKeys = {
  account: (namespace: string, id: string) => `account/${namespace}/${id}`,
  accountPrefix: (namespace: string) => `account/${namespace}/`,
  accountByName: (namespace: string, name: string) => `accountByName/${namespace}/${name}`,
  refresh: (namespace: string, id: string, family: string) => `refresh/${namespace}/${id}/${family}`,
  refreshPrefix: (namespace: string, id: string) => `refresh/${namespace}/${id}/`,
  rule: (namespace: string, id: string) => `rules/${namespace}/${id}`,
  rulePrefix: (namespace: string) => `rules/${namespace}/`,
  rulesPrefix: "rules/",
  /** Says that a namespace got its default rule, so that it is not made again after it was deleted. */
  ruleMark: (namespace: string) => `rulesMade/${namespace}`,
  ruleMarkPrefix: "rulesMade/",
  /** The first generation of an account whose tokens still count. */
  cutoff: (namespace: string, id: string) => `cutoff/${namespace}/${id}`,
  cutoffPrefix: "cutoff/",
} as const;

/** A record's value from what is to be kept. */
export function toValue(content: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content));
}

/** What was kept in a record. Only this folder writes them, so that readers may know its type. */
export function fromValue(value: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(value));
}
