import { MicroError } from "#base/error.ts";
import { callEndpoint } from "./call-endpoint.ts";
import { CommandError } from "./command-error.ts";
import { globalFlags, outputFormats } from "./arguments/flag-spec.ts";
import { FlagValues } from "./arguments/flag-values.ts";
import { isFlagWord, parseArguments, splitFlagWord } from "./arguments/parse-arguments.ts";
import type { Session } from "./connection/session.ts";
import { formatEndpointHelp, formatServiceHelp } from "./output/format-service-help.ts";
import { mergeEndpoints } from "./output/format-service.ts";
import { printLines } from "./output/print.ts";
import { buildRequest, type BuiltRequest } from "./schema/build-request.ts";
import { findEndpoint } from "./schema/find-endpoint.ts";
import { methodKindOf } from "./schema/method-kind.ts";
import { findService, type EndpointEntry, type ServiceVersion } from "./schema/service-entry.ts";
import { readInputJson } from "./standard-input.ts";

/** `micro [before] SERVICE [after]`. */
export interface ServiceLine {
  readonly service: string;
  /** Global flags. */
  readonly before: readonly string[];
  /** Words that name an endpoint, and flags of both kinds. */
  readonly after: readonly string[];
}

/**
 * Runs a word that is no command as a service: `micro SERVICE` lists its endpoints, `micro SERVICE ENDPOINT --field=value`
 * calls one. The flags are the fields of the request, as the registry has them.
 *
 * @throws CommandError when there is no such service, endpoint or flag, and with exit code 2 when nobody is logged in.
 */
export async function runServiceCommand(line: ServiceLine, open: (flags: FlagValues) => Session): Promise<void> {
  const before = parseArguments(line.before, globalFlags).flags;
  const versions = await findEndpoints(open(merge(before, guessGlobals(line.after))), line.service);
  const [first] = versions;
  if (first === undefined) {
    throw new CommandError(`Unrecognized micro command: ${line.service}. Please refer to 'micro --help'`, {
      code: "not_found",
    });
  }
  const endpoints = mergeEndpoints(versions);
  const chosen = chooseEndpoint(line, endpoints);
  if (chosen === undefined) return printLines(formatServiceHelp(line.service, first.version, endpoints));
  const { endpoint, request } = chosen;
  if (request === undefined) return printLines(formatEndpointHelp(line.service, endpoint));
  const flags = merge(before, request.others);
  const isCompact = flags.choice("output", outputFormats) === "raw";
  await callChosen(open(flags), line.service, { endpoint, request, isCompact });
}

/** The registry needs an account even for services that everybody may call: who has none is told of the other way. */
async function findEndpoints(session: Session, service: string): Promise<readonly ServiceVersion[]> {
  try {
    return await findService(session, service);
  } catch (reason) {
    if (!MicroError.is(reason) || reason.httpStatus !== 401 || session.surroundings().isLoggedIn) throw reason;
    const detail = `The flags of ${service} are in the registry, which needs an account: log in with "micro login", or use "micro call ${service} Type.Method JSON"`;
    throw new CommandError(detail, { code: "unauthenticated", exitCode: 2, cause: reason });
  }
}

interface Choice {
  readonly endpoint: EndpointEntry;
  /** Undefined when its help is wanted. */
  readonly request: BuiltRequest | undefined;
}

/** Undefined when help of the service is wanted. @throws CommandError for words that name no endpoint. */
function chooseEndpoint(
  { service, before, after }: ServiceLine,
  endpoints: readonly EndpointEntry[],
): Choice | undefined {
  const wantsHelp = [...before, ...after].some((word) => /^(--?help|-h)$/.test(word));
  const flagAt = after.findIndex(isFlagWord);
  const words = (flagAt === -1 ? after : after.slice(0, flagAt)).filter((word) => word !== "-");
  if (words.length === 0 && (wantsHelp || after.length === 0)) return undefined;
  const endpoint =
    words.length === 0 ? findByWholeLine(service, after, endpoints) : findByWords(service, words, endpoints);
  if (endpoint === undefined) {
    const name = words.length === 0 ? "call" : words.join(" ");
    throw new CommandError(`Endpoint ${name} not found for service ${service}; see "micro ${service}"`, {
      code: "not_found",
      exitCode: 128,
    });
  }
  if (wantsHelp) return { endpoint, request: undefined };
  return { endpoint, request: build(after, endpoint) };
}

function findByWords(
  service: string,
  words: readonly string[],
  endpoints: readonly EndpointEntry[],
): EndpointEntry | undefined {
  if (words.length > 2) throw new CommandError("Incorrect number of arguments", { exitCode: 128 });
  return findEndpoint(endpoints, service, words);
}

/** The flags stand first: the endpoint is the one that the words name once its own flags are taken out. */
function findByWholeLine(
  service: string,
  after: readonly string[],
  endpoints: readonly EndpointEntry[],
): EndpointEntry | undefined {
  const named = endpoints.find((endpoint) => {
    try {
      const words = build(after, endpoint).words.filter((word) => word !== "-");
      return words.length > 0 && findEndpoint(endpoints, service, words) === endpoint;
    } catch {
      return false;
    }
  });
  return named ?? findEndpoint(endpoints, service, []);
}

function build(line: readonly string[], endpoint: EndpointEntry): BuiltRequest {
  const isOpen = endpoint.request.values.length === 0 && methodKindOf(endpoint) !== "unary";
  return buildRequest(line, endpoint.request, { otherFlags: globalFlags, isOpen });
}

async function callChosen(
  session: Session,
  service: string,
  { endpoint, request, isCompact }: { endpoint: EndpointEntry; request: BuiltRequest; isCompact: boolean },
): Promise<void> {
  const kind = methodKindOf(endpoint);
  const readsInput = request.words.at(-1) === "-";
  const target = { service, endpoint: endpoint.name };
  if (readsInput && kind !== "unary" && kind !== "server_stream") {
    return callEndpoint(session, { target, kind: "bidi_stream", bodyText: undefined, isCompact });
  }
  const bodyText = readsInput ? await readInputJson() : stringify(request.body);
  return callEndpoint(session, { target, kind, bodyText, isCompact });
}

function stringify(body: BuiltRequest["body"]): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

/** Global flags among others whose meaning is not known yet: the schema that says so has to be fetched with them. */
function guessGlobals(line: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  line.forEach((word, index) => {
    if (!isFlagWord(word)) return;
    const { name, value } = splitFlagWord(word);
    const spec = globalFlags.find((each) => each.kind === "string" && (each.name === name || each.short === name));
    const given = value ?? line[index + 1];
    if (spec !== undefined && given !== undefined) found.set(spec.name, [given]);
  });
  return found;
}

function merge(flags: FlagValues, others: ReadonlyMap<string, readonly string[]>): FlagValues {
  const own = flags.names().map((name) => [name, flags.list(name)] as const);
  return new FlagValues(new Map([...own, ...others]));
}
