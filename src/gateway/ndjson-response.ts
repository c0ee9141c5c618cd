import { MicroError } from "#base/error.ts";
import type { StreamStart } from "./stream-start.ts";

/** One JSON value a line. https://github.com/ndjson/ndjson-spec */
export const ndjsonType = "application/x-ndjson";

const utf8 = new TextEncoder();
const newline = 10;

/**
 * A stream of JSON messages as lines, each sent when it comes. A failure on the way is the last line, `{"error":{…}}`,
 * because the status has long been sent.
 *
 * @param onError hears of a failure before the caller does.
 */
export function toLines(
  messages: AsyncIterator<Uint8Array>,
  { first }: StreamStart,
  onError: (error: MicroError) => void,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<Uint8Array>> | undefined = first;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const result = await (next ?? messages.next());
        next = undefined;
        if (result.done === true) controller.close();
        else controller.enqueue(toLine(result.value));
      } catch (reason) {
        const error = MicroError.from(reason);
        onError(error);
        controller.enqueue(utf8.encode(`${JSON.stringify({ error: error.toBody("gateway") })}\n`));
        controller.close();
      }
    },
    cancel: async () => {
      await messages.return?.();
    },
  });
}

/** A message may hold line breaks between its parts, never inside a string, so they can become spaces. */
function toLine(message: Uint8Array): Uint8Array {
  const line = new Uint8Array(message.byteLength + 1);
  line.set(message);
  for (let at = line.indexOf(newline); at !== -1; at = line.indexOf(newline, at + 1)) line[at] = 32;
  line[message.byteLength] = newline;
  return line;
}
