import { CommandError } from "./command-error.ts";

/** A stream of the one message that a command has to send. */
export async function* oneMessage(text: string): AsyncGenerator<string> {
  yield text;
}

/** All of standard input as one JSON text. @throws CommandError when it is none. */
export async function readInputJson(): Promise<string> {
  return requireJson(await Bun.stdin.text(), "standard input");
}

/** JSON texts of standard input, one a line, as they are typed. @throws CommandError that names the line. */
export async function* readInputLines(): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let waiting = "";
  let lineNumber = 0;
  const take = function* (lines: readonly string[]): Generator<string> {
    for (const line of lines) {
      lineNumber += 1;
      if (line.trim() !== "") yield requireJson(line, `line ${lineNumber} of standard input`);
    }
  };
  for await (const chunk of Bun.stdin.stream()) {
    const lines = (waiting + decoder.decode(chunk, { stream: true })).split("\n");
    waiting = lines.pop() ?? "";
    yield* take(lines);
  }
  yield* take([waiting]);
}

/**
 * The text itself when it is a JSON object; nothing at all counts as an empty one.
 *
 * @throws CommandError that says where it came from.
 */
export function requireJson(text: string, from: string): string {
  const body = text.trim();
  if (body === "") return "{}";
  try {
    JSON.parse(body);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message.replace(/^JSON Parse error: /, "") : "";
    throw new CommandError(`Error creating request: ${from} is not JSON: ${why}`, { cause: reason });
  }
  return body;
}
