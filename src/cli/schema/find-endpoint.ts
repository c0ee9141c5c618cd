import type { EndpointEntry } from "./service-entry.ts";

/**
 * The endpoint that words after a service's name mean: none or one word is a method of the type that is named like the
 * service, two words are type and method, as the two halves of `type.method` are. Case, dashes and underscores do not
 * matter; a name as it is written goes first.
 */
export function findEndpoint(
  endpoints: readonly EndpointEntry[],
  service: string,
  words: readonly string[],
): EndpointEntry | undefined {
  const [first = "call", second] = words;
  if (second !== undefined) return endpoints.find((each) => isNamed(each, first, second));
  const exact = endpoints.find(({ name }) => name === first);
  if (exact !== undefined) return exact;
  if (first.includes(".")) return endpoints.find((each) => isNamed(each, typeOf(first), methodOf(first)));
  const own = endpoints.find((each) => isNamed(each, service, first));
  if (own !== undefined) return own;
  const alike = endpoints.filter(({ name }) => squash(methodOf(name)) === squash(first));
  return alike.length === 1 ? alike[0] : undefined;
}

/** The words that name an endpoint, as help lists them. */
export function endpointWords(service: string, endpoint: string): string {
  const method = lowerFirst(methodOf(endpoint));
  return squash(typeOf(endpoint)) === squash(service) ? method : `${lowerFirst(typeOf(endpoint))} ${method}`;
}

function isNamed({ name }: EndpointEntry, type: string, method: string): boolean {
  return squash(typeOf(name)) === squash(type) && squash(methodOf(name)) === squash(method);
}

function typeOf(endpoint: string): string {
  return endpoint.slice(0, Math.max(0, endpoint.lastIndexOf(".")));
}

function methodOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(".") + 1);
}

function squash(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
