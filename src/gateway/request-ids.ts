/** Header that names a request, in both directions. */
export const requestIdHeader = "x-request-id";

/** Long enough for a UUID with a prefix or a trace id; short enough for a log line. */
const sane = /^[\w.:+/=@-]{1,128}$/;

/**
 * Names for requests. One that a caller gives is kept, so that a request has one name from the browser to the last log
 * line; what could break a log line or a header is not taken.
 */
export class RequestIds {
  readonly #prefix = crypto.randomUUID().slice(0, 8);
  #count = 0;

  /** The given name where it is sane, else a new one: a random part of this process and a count. */
  take(given: string | undefined): string {
    if (given !== undefined && sane.test(given)) return given;
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
