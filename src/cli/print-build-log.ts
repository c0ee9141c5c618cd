import { CommandError } from "./command-error.ts";
import type { Invocation } from "./command.ts";
import { fieldsOf } from "./service-answer.ts";
import { parseServiceReference } from "./service-name.ts";
import { oneMessage } from "./standard-input.ts";
import { bytesOf } from "./output/format-bytes.ts";
import { printBytes } from "./output/print.ts";

/**
 * Prints what the last build of a service said, to its end where it runs.
 *
 * @throws CommandError unless one service is named; MicroError `not_found` when nothing had to be built.
 */
export async function printBuildLog({ session, words, flags }: Invocation): Promise<void> {
  const [text, second] = words;
  if (text === undefined || second !== undefined) throw new CommandError("A build is of one service: name it");
  const { name, version } = parseServiceReference(text);
  const service = { name, version: flags.text("version") ?? version, namespace: session.namespace };
  const answers = session.stream({ service: "runtime", endpoint: "Build.Read" }, oneMessage(JSON.stringify(service)));
  for await (const answer of answers) printBytes(bytesOf(fieldsOf(answer)["data"]));
}
