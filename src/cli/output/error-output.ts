import { CommandError } from "#cli/command-error.ts";
import { MicroError, type ErrorBody } from "#base/error.ts";

/** What the user gets to see of a failure. */
export interface ErrorReport {
  readonly exitCode: number;
  /** One line. */
  readonly text: string;
  readonly body: ErrorBody;
}

/** What is known of the server that was asked. */
export interface ErrorSurroundings {
  /** `host:port` that the command dialled; undefined when it dialled none. */
  readonly address: string | undefined;
  /** Whether the command had a login to send. */
  readonly isLoggedIn: boolean;
}

/** Turns anything that was thrown into one line and an exit code, the same for every command. */
export function reportError(reason: unknown, surroundings: ErrorSurroundings): ErrorReport {
  const error = toMicroError(reason);
  const { exitCode, text: words } = explain(error, MicroError.is(reason), surroundings);
  const text = toOneLine(words);
  return { exitCode, text, body: { ...error.toBody("micro"), detail: text } };
}

/** A thrown object may not even be printable; that must not hide that something failed. */
function toMicroError(reason: unknown): MicroError {
  try {
    return MicroError.from(reason);
  } catch (cause) {
    return new MicroError("internal", "something that is no error was thrown", { cause });
  }
}

/** Prints it where errors belong. */
export function printError(report: ErrorReport, isJson: boolean): void {
  console.error(isJson ? JSON.stringify({ error: report.body }) : report.text);
}

interface Explanation {
  readonly exitCode: number;
  readonly text: string;
}

/** Exit codes are Micro's: scripts look at them. */
function explain(error: MicroError, isMicroError: boolean, surroundings: ErrorSurroundings): Explanation {
  if (error instanceof CommandError) return { exitCode: error.exitCode, text: error.detail };
  if (!isMicroError && error.code === "internal") return { exitCode: 128, text: error.detail };
  const wellKnown = explainWellKnownText(error.detail);
  if (wellKnown !== undefined) return wellKnown;
  if (error.code === "unavailable" && error.neverSent) return explainUnreachable(surroundings.address);
  if (error.httpStatus === 408) return { exitCode: 1, text: "Request timed out" };
  if (error.httpStatus === 401) return explainUnauthenticated(surroundings.isLoggedIn);
  return { exitCode: 127, text: error.detail === "" ? error.code.replaceAll("_", " ") : error.detail };
}

/** The texts that Micro's command line looks for, also inside longer ones. */
function explainWellKnownText(detail: string): Explanation | undefined {
  const malformed = /malformed method name: "(\w*)"/.exec(detail);
  if (malformed !== null) {
    return { exitCode: 3, text: `Method name "${malformed[1]}" invalid format. Expecting service.endpoint` };
  }
  const noRoute = /service (\S+): route not found/.exec(detail);
  if (noRoute !== null) return { exitCode: 4, text: `Service "${noRoute[1]}" not found` };
  const unknown = /unknown service (\w[\w-]*(?:\.[\w-]+)*)/.exec(detail);
  if (unknown === null) return undefined;
  const isMethod = unknown[1]?.includes(".") === true;
  return { exitCode: 5, text: `Service ${isMethod ? "method " : ""}"${unknown[1]}" not found` };
}

function explainUnreachable(address: string | undefined): Explanation {
  const where = address === undefined ? "" : ` at ${address}`;
  const text = `Failed to connect to micro server${where}: is it running? Start it with "micro server"`;
  return { exitCode: 4, text };
}

function explainUnauthenticated(isLoggedIn: boolean): Explanation {
  const hint = isLoggedIn ? 'the login is not valid any more, use "micro login"' : 'log in with "micro login"';
  return { exitCode: 2, text: `Not authorized to perform this request: ${hint}` };
}

function toOneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").trim();
}
