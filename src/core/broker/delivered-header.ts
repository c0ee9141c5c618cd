import { isForwardable, type Metadata } from "#base/metadata.ts";
import { setOwn } from "#rpc/set-own.ts";

/** The header of a message. */
export type Header = Readonly<Record<string, string>>;

/** What browsers and proxies say about themselves and about the way: nothing that a publisher meant to tell. */
const transportKeys: ReadonlySet<string> = new Set([
  "accept-language",
  "cache-control",
  "dnt",
  "forwarded",
  "if-modified-since",
  "if-none-match",
  "method",
  "path",
  "pragma",
  "priority",
  "remote",
  "upgrade-insecure-requests",
  "url",
  "via",
  "x-real-ip",
]);

/** Parts of the names of headers that hold what must not be passed on. */
const secretPattern = /authorization|x-auth|cookie|token|secret|password|credential|api-?key|session/;
/** A token is longer; shorter texts may be part of anything. */
const secretLengthMin = 8;

/** What is settled once a call: the headers that its messages get from it, and the secrets that none of them may hold. */
export interface HeaderSource {
  /** Added where the message does not say it itself; keys as Micro's services write them, `X-Request-Id`. */
  readonly extra: Header;
  /** The caller's token, in every form in which the call carries it. */
  readonly secrets: readonly string[];
}

/** @param namespace that the messages are published in */
export function createHeaderSource(metadata: Metadata, namespace: string): HeaderSource {
  const secrets = readSecrets(metadata["authorization"]);
  const extra: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "micro-namespace") extra["Micro-Namespace"] = namespace;
    else if (isUserKey(key) && !holdsSecret(value, secrets)) setOwn(extra, toTitleCase(key), value);
  }
  return { extra, secrets };
}

/** A message's header as its subscribers get it: the publisher's own, without his token, and what the call adds. */
export function createDeliveredHeader(own: Header, { extra, secrets }: HeaderSource): Header {
  const header: Record<string, string> = {};
  const known = new Set<string>();
  for (const [key, value] of Object.entries(own)) {
    const name = key.toLowerCase();
    known.add(name);
    if (!isAuthorization(name) && !holdsSecret(value, secrets)) setOwn(header, key, value);
  }
  for (const [key, value] of Object.entries(extra)) {
    if (!known.has(key.toLowerCase())) setOwn(header, key, value);
  }
  return header;
}

/** `authorization` however it is written: with spaces, underscores, or something before it. */
function isAuthorization(name: string): boolean {
  return name.replaceAll(/[^a-z]/g, "").endsWith("authorization");
}

function isUserKey(key: string): boolean {
  const isInternal = key.startsWith("x-forwarded-") || key.startsWith("micro-") || key.startsWith("grpc-");
  return isForwardable(key) && !isInternal && !transportKeys.has(key) && !secretPattern.test(key);
}

function readSecrets(authorization: string | undefined): string[] {
  if (authorization === undefined) return [];
  const credential = authorization.slice(authorization.indexOf(" ") + 1).trim();
  return [credential, ...readBasicToken(authorization, credential)].filter((each) => each.length >= secretLengthMin);
}

/** Micro's services take `Basic base64(user:token)` as well. */
function readBasicToken(authorization: string, credential: string): string[] {
  if (!authorization.toLowerCase().startsWith("basic ")) return [];
  const text = Buffer.from(credential, "base64").toString("utf8");
  return [text.slice(text.indexOf(":") + 1)];
}

function holdsSecret(value: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => value.includes(secret));
}

function toTitleCase(key: string): string {
  return key.replaceAll(/(^|[^a-z0-9])[a-z]/g, (start) => start.toUpperCase());
}
