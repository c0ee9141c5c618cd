import { callEndpoint } from "#cli/call-endpoint.ts";
import { CommandError } from "#cli/command-error.ts";
import type { Command, Invocation } from "#cli/command.ts";
import type { FlagSpec } from "#cli/arguments/flag-spec.ts";
import type { CallOptions } from "#cli/connection/session.ts";
import { parseServerUrl } from "#cli/connection/server-url.ts";
import { readInputJson, requireJson } from "#cli/standard-input.ts";

/** Flags of `call` and `stream`. */
export const callFlags: readonly FlagSpec[] = [
  {
    name: "output",
    short: "o",
    kind: "string",
    placeholder: "json|raw",
    variable: "MICRO_OUTPUT",
    help: "raw prints JSON on one line",
  },
  {
    name: "address",
    kind: "string",
    placeholder: "HOST:PORT",
    variable: "MICRO_ADDRESS",
    help: "call the process that listens there, not the server",
  },
  { name: "metadata", kind: "list", placeholder: "KEY=VALUE", variable: "MICRO_METADATA", help: "sent with the call" },
  { name: "request-timeout", kind: "string", placeholder: "5s", help: "longest wait for the answer, default 1m" },
];

/** `micro call SERVICE Type.Method '{…}'`. */
export const command: Command = {
  kind: "command",
  summary: "Call an endpoint of a service",
  usage: "SERVICE ENDPOINT [JSON]",
  details:
    'micro call helloworld Helloworld.Call \'{"name": "Jane"}\'\nThe body may be - to read it from standard input.',
  flags: callFlags,
  wordCount: { min: 2, max: Infinity },
  run: async (invocation) => {
    const { words, session, flags } = invocation;
    const [service = "", endpoint = ""] = words;
    await callEndpoint(session, {
      target: { service, endpoint },
      kind: "unary",
      bodyText: (await readBody(words.slice(2))) ?? "{}",
      isCompact: flags.text("output") === "raw",
      options: readCallOptions(invocation),
    });
  },
};

/** The body that the words after the endpoint are; undefined when there are none. @throws CommandError */
export async function readBody(words: readonly string[]): Promise<string | undefined> {
  if (words.length === 0) return undefined;
  return words.length === 1 && words[0] === "-" ? readInputJson() : requireJson(words.join(" "), "the body");
}

/** @throws CommandError for a wrong flag. */
export function readCallOptions({ flags }: Invocation): CallOptions {
  const timeoutMs = flags.durationMs("request-timeout");
  const address = flags.text("address");
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(address === undefined ? {} : { server: parseServerUrl(address) }),
    metadata: Object.fromEntries(flags.list("metadata").map(parseMetadata)),
  };
}

function parseMetadata(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  const key = text.slice(0, Math.max(0, equals)).toLowerCase();
  const value = text.slice(equals + 1);
  if (!/^[a-z0-9!#$&'*+.^_`|~-]+$/.test(key) || !/^[\t\u0020-\u007e]*$/.test(value)) {
    throw new CommandError(`Invalid value "${text}" for flag -metadata: write KEY=VALUE`);
  }
  return [key, value];
}
