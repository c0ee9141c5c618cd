import type { EndpointEntry, SchemaValue, ServiceVersion } from "#cli/schema/service-entry.ts";

/** A service for people: its versions with their nodes, then its endpoints with what they take and give. */
export function formatService(versions: readonly ServiceVersion[]): readonly string[] {
  const [first] = versions;
  if (first === undefined) return [];
  return [
    `service  ${first.name}`,
    ...versions.flatMap(formatVersion),
    ...mergeEndpoints(versions).flatMap(formatEndpoint),
  ];
}

/** The endpoints of all versions; of one that several have, the last version's. */
export function mergeEndpoints(versions: readonly ServiceVersion[]): readonly EndpointEntry[] {
  const byName = new Map(versions.flatMap(({ endpoints }) => endpoints).map((each) => [each.name, each]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function formatVersion(version: ServiceVersion): string[] {
  const nodes = version.nodes.map(({ id, address, metadata }) => `${id}\t${address}\t${formatPairs(metadata)}`);
  return ["", `version ${version.version}`, "", "ID\tAddress\tMetadata", ...nodes];
}

function formatEndpoint(endpoint: EndpointEntry): string[] {
  const metadata = formatPairs(endpoint.metadata);
  return [
    "",
    `Endpoint: ${endpoint.name}`,
    ...(metadata === "" ? [] : ["", `Metadata: ${metadata}`]),
    "",
    `Request: ${formatTree(endpoint.request)}`,
    "",
    `Response: ${formatTree(endpoint.response)}`,
  ];
}

function formatTree(value: SchemaValue): string {
  return value.values.length === 0
    ? "{}"
    : ["{", ...value.values.flatMap((each) => formatField(each, "\t")), "}"].join("\n");
}

function formatField(value: SchemaValue, indent: string): string[] {
  const line = `${indent}${value.name} ${value.type}`;
  if (value.values.length === 0) return [line];
  return [`${line} {`, ...value.values.flatMap((each) => formatField(each, `${indent}\t`)), `${indent}}`];
}

function formatPairs(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
