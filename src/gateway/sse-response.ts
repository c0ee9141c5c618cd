import { MicroError } from "#base/error.ts";
import type { StreamStart } from "./stream-start.ts";

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const sseType = "text/event-stream";

const utf8 = new TextEncoder();
const newline = 10;
const prefix = utf8.encode("data: ");

/** Sent while nothing happens, in milliseconds: proxies on the way close connections that are silent for a minute. */
const beatMs = 15_000;
const beat = utf8.encode(": \n\n");

/** True for a caller that reads events, as a browser's EventSource says. */
export function wantsEvents(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes(sseType);
}

/**
 * A stream of JSON messages as server-sent events, each sent when it comes. A failure on the way is an event `error` with
 * the error's JSON; the end is an event `end`, at which a page closes its EventSource, which would else ask again.
 *
 * @param onError hears of a failure before the caller does.
 */
export function toEvents(
  messages: AsyncIterator<Uint8Array>,
  { first }: StreamStart,
  onError: (error: MicroError) => void,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<Uint8Array>> | undefined = first;
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(beat);
      }, beatMs);
    },
    pull: async (controller) => {
      try {
        const result = await (next ?? messages.next());
        next = undefined;
        if (result.done !== true) return controller.enqueue(toEvent(result.value));
        controller.enqueue(utf8.encode("event: end\ndata: {}\n\n"));
      } catch (reason) {
        const error = MicroError.from(reason);
        onError(error);
        controller.enqueue(utf8.encode(`event: error\ndata: ${JSON.stringify(error.toBody("gateway"))}\n\n`));
      }
      clearInterval(timer);
      controller.close();
    },
    cancel: async () => {
      clearInterval(timer);
      await messages.return?.();
    },
  });
}

/** A message may hold line breaks between its parts, never inside a string, so they can become spaces. */
function toEvent(message: Uint8Array): Uint8Array {
  const event = new Uint8Array(prefix.byteLength + message.byteLength + 2);
  event.set(prefix);
  event.set(message, prefix.byteLength);
  for (let at = prefix.byteLength; at < event.byteLength; at += 1) {
    if (event[at] === newline || event[at] === 13) event[at] = 32;
  }
  event.fill(newline, event.byteLength - 2);
  return event;
}
