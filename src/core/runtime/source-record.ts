import { requireName } from "#base/name.ts";
import { damaged, parseRecord } from "./parse-record.ts";

/** What an uploaded source is called: `source://name:version`. Names are unique per namespace. */
export interface SourceKey {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** Which content a source has at present. */
export interface SourceRecord {
  /** Of the unpacked tree: the name of its folder. */
  readonly sha256: string;
  /** Folder of it that is the service, where it is not the whole. */
  readonly folder?: string;
  /** Milliseconds since the epoch. */
  readonly uploadedAtMs: number;
}

const scheme = "source://";

/** @throws MicroError `invalid_argument` for a bad name or version. */
export function toSourceId(name: string, version: string): string {
  return `${scheme}${requireName("service", name)}:${requireName("version", version)}`;
}

/** Name and version in `source://name:version`, or undefined for another kind of source. */
export function parseSourceId(id: string): { readonly name: string; readonly version: string } | undefined {
  if (!id.startsWith(scheme)) return undefined;
  const [name = "", version = ""] = id.slice(scheme.length).split(":", 2);
  return { name: requireName("service", name), version: requireName("version", version) };
}

export function toSourceStoreKey({ namespace, name, version }: SourceKey): string {
  return `${toSourceStorePrefix(namespace)}${name}:${version}`;
}

/** What the records of a namespace begin with. */
export function toSourceStorePrefix(namespace: string): string {
  return `source:${namespace}:`;
}

export function encodeSourceRecord(record: SourceRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** @throws MicroError `internal` for a record that is damaged. */
export function decodeSourceRecord(key: string, value: Uint8Array): SourceRecord {
  const { sha256, folder, uploadedAtMs } = parseRecord(key, value);
  if (typeof sha256 !== "string" || typeof uploadedAtMs !== "number") throw damaged(key);
  return typeof folder === "string" && folder !== "" ? { sha256, folder, uploadedAtMs } : { sha256, uploadedAtMs };
}
