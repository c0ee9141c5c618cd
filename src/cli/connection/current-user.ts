import type { ConfigFile } from "./config-file.ts";

/** The namespace of the installation, whose administrators may act in every namespace. */
export const rootNamespace = "micro";

/** The account that somebody last logged in as, in a namespace of an environment; undefined after logging out. */
export function currentUser(config: ConfigFile, environment: string, namespace: string): string | undefined {
  return config.get(currentUserKey(environment, namespace));
}

/**
 * Where the current user of a namespace is kept. That of namespace `micro` lies where Micro's own command line has its one
 * current user, so that its files go on working; a login in another namespace leaves that one alone.
 */
export function currentUserKey(environment: string, namespace: string): string {
  if (namespace === rootNamespace) return `${environment}.current-user`;
  // A dot would begin a level of its own, and namespace `a` could not be kept beside `a.b`. Names have no slash.
  return `${environment}.current-users.${namespace.replaceAll(".", "/")}`;
}
