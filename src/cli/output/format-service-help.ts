import { endpointWords } from "#cli/schema/find-endpoint.ts";
import { listFlags } from "#cli/schema/resolve-field.ts";
import type { EndpointEntry } from "#cli/schema/service-entry.ts";

/** Help of a service: its endpoints as commands. */
export function formatServiceHelp(service: string, version: string, endpoints: readonly EndpointEntry[]): string[] {
  const rows = endpoints.map(
    (each) => [endpointWords(service, each.name), each.metadata["description"] ?? ""] as const,
  );
  return [
    "NAME:",
    `   micro ${service}`,
    "",
    "VERSION:",
    `   ${version}`,
    "",
    "USAGE:",
    `   micro ${service} [command]`,
    "",
    "COMMANDS:",
    ...alignColumns(rows.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  ];
}

/** Help of one endpoint: its fields as flags. */
export function formatEndpointHelp(service: string, endpoint: EndpointEntry): string[] {
  const { description } = endpoint.metadata;
  const name = `micro ${service} ${endpointWords(service, endpoint.name)}`;
  const flags = listFlags(endpoint.request).map((flag) => [`--${flag.name} ${flag.type}`, ""] as const);
  const whole = ["--json JSON", "the whole request; - reads it from standard input"] as const;
  return [
    "NAME:",
    `   ${name}${description === undefined ? "" : ` - ${description}`}`,
    "",
    "USAGE:",
    `   ${name} [flags]`,
    "",
    "FLAGS:",
    ...alignColumns([...flags, whole]),
  ];
}

function alignColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([first]) => first.length)) + 3;
  return rows.map(([first, second]) => `   ${first.padEnd(width)}${second}`.trimEnd());
}
