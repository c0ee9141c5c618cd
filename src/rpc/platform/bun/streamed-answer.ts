import { AsyncQueue } from "#base/async-queue.ts";
import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { HttpResult } from "#rpc/http-client.ts";
import type { Http1Head } from "#rpc/http1-head.ts";
import type { Http1AnswerReader, Http1Exchange } from "./http1-exchange.ts";

/** Gives an answer as soon as its head is there; its body is read as it comes. */
export class StreamedAnswer implements Http1AnswerReader {
  readonly #resolve: (result: HttpResult<AsyncIterable<Uint8Array>>) => void;
  readonly #reject: (failure: MicroError) => void;
  readonly #onEnd: () => void;
  /** Has no brim of its own, because bytes that have arrived cannot be refused: its size holds the peer back. */
  readonly #body = new AsyncQueue<Uint8Array>(Number.POSITIVE_INFINITY, () => this.#exchange?.abort(leftEarly()));
  #exchange: Http1Exchange | undefined;

  constructor(
    resolve: (result: HttpResult<AsyncIterable<Uint8Array>>) => void,
    reject: (failure: MicroError) => void,
    onEnd: () => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onEnd = onEnd;
  }

  /** The exchange that this is the answer of. */
  follow(exchange: Http1Exchange): void {
    this.#exchange = exchange;
  }

  onHead(head: Http1Head): void {
    this.#resolve({ status: head.status, headers: head, body: this.#body });
  }

  onBody(part: Uint8Array): void {
    this.#body.push(part);
    if (this.#body.size < limits.streamQueueCountMax) return;
    this.#exchange?.pause();
    this.#body.onceDrained(() => this.#exchange?.resume());
  }

  onEnd(failure: MicroError | undefined): void {
    this.#body.close(failure);
    // Without effect where the answer has begun; its reader gets the failure then.
    if (failure !== undefined) this.#reject(failure);
    this.#onEnd();
  }
}

function leftEarly(): MicroError {
  return new MicroError("cancelled", "the reader left before the end of the answer");
}
