import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { HttpResult } from "#rpc/http-client.ts";
import type { Http1Head } from "#rpc/http1-head.ts";
import type { Http1AnswerReader } from "./http1-exchange.ts";

/** Gathers an answer whose body is wanted as one piece. */
export class WholeAnswer implements Http1AnswerReader {
  readonly #resolve: (result: HttpResult<Uint8Array>) => void;
  readonly #reject: (failure: MicroError) => void;
  readonly #parts: Uint8Array[] = [];
  #head: Http1Head | undefined;
  #bodyBytes = 0;

  constructor(resolve: (result: HttpResult<Uint8Array>) => void, reject: (failure: MicroError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onHead(head: Http1Head): void {
    this.#head = head;
  }

  /** @throws MicroError `payload_too_large` for more than one message may be. */
  onBody(part: Uint8Array): void {
    this.#bodyBytes += part.byteLength;
    if (this.#bodyBytes > limits.messageBytesMax) {
      const detail = `the answer is above the limit of ${limits.messageBytesMax} bytes`;
      throw new MicroError("payload_too_large", detail);
    }
    this.#parts.push(part);
  }

  onEnd(failure: MicroError | undefined): void {
    const head = this.#head;
    if (failure !== undefined || head === undefined) {
      this.#reject(failure ?? new MicroError("bad_gateway", "the answer has no head"));
      return;
    }
    this.#resolve({ status: head.status, headers: head, body: join(this.#parts) });
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
