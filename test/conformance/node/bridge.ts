import { MicroError } from "#base/error.ts";
import type { ErrorCode } from "#base/error-code.ts";

/** What one program asks of the other; it is answered by a line with the same number. */
type BridgeRequest =
  | {
      readonly id: number;
      readonly call: { readonly target: string; readonly method: string; readonly args: unknown[] };
    }
  /** Asks for the next item of what the other side offers under this name, or leaves it. */
  | { readonly id: number; readonly pull: string }
  | { readonly id: number; readonly leave: string };

/** One line between the two programs. */
type BridgeLine =
  | BridgeRequest
  | { readonly abort: string }
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly failed: BridgeError };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface BridgeError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly at: string;
  readonly neverSent: boolean;
}

export interface BridgeDeps {
  readonly send: (line: string) => void;
  /** Answers calls of the other side. */
  readonly call: (target: string, method: string, args: unknown[]) => unknown;
  /** Tells the names of one side from those of the other. */
  readonly side: string;
}

/**
 * Objects of one program as another one uses them, over lines of JSON: values, bytes, streams both ways, signals and
 * failures. It lets a suite that runs here test what runs elsewhere.
 */
export class Bridge {
  readonly #deps: BridgeDeps;
  readonly #waiting = new Map<number, Waiting>();
  readonly #offered = new Map<string, AsyncIterator<unknown>>();
  readonly #signals = new Map<string, AbortController>();
  #count = 0;

  constructor(deps: BridgeDeps) {
    this.#deps = deps;
  }

  call(target: string, method: string, args: unknown[]): Promise<unknown> {
    return this.#ask({ call: { target, method, args: args.map((each) => this.#encode(each)) } });
  }

  receive(text: string): void {
    const line = JSON.parse(text) as BridgeLine;
    if ("abort" in line) return this.#signals.get(line.abort)?.abort();
    if ("ok" in line) return this.#settle(line.id)?.resolve(this.#decode(line.ok));
    if ("failed" in line) return this.#settle(line.id)?.reject(toError(line.failed));
    void this.#answer(line);
  }

  /** The other side is gone. */
  close(): void {
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(new Error("the other program ended"));
  }

  async #answer(line: BridgeRequest): Promise<void> {
    try {
      this.#send({ id: line.id, ok: this.#encode(await this.#work(line)) });
    } catch (reason) {
      const { code, detail, id: at, neverSent } = MicroError.from(reason);
      this.#send({ id: line.id, failed: { code, detail, at, neverSent } });
    }
  }

  async #work(line: BridgeRequest): Promise<unknown> {
    if ("pull" in line) return this.#offered.get(line.pull)?.next();
    if ("leave" in line) return this.#offered.get(line.leave)?.return?.();
    const { target, method, args } = line.call;
    const decoded = args.map((each) => this.#decode(each));
    return this.#deps.call(target, method, decoded);
  }

  #ask(line: object): Promise<unknown> {
    const id = (this.#count += 1);
    // Node 20 has no Promise.withResolvers.
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, ...line } as BridgeLine);
    });
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #send(line: BridgeLine): void {
    this.#deps.send(JSON.stringify(line));
  }

  #encode(value: unknown): unknown {
    if (value === undefined) return { $nothing: true };
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
    if (value instanceof AbortSignal) return { $signal: this.#follow(value) };
    if (Symbol.asyncIterator in value) return { $stream: this.#offer(value as AsyncIterable<unknown>) };
    if (Array.isArray(value)) return value.map((each) => this.#encode(each));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#encode(each)]));
  }

  #decode(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if ("$nothing" in value) return undefined;
    if ("$bytes" in value) return new Uint8Array(Buffer.from(String(value.$bytes), "base64"));
    if ("$signal" in value) return this.#signal(String(value.$signal));
    if ("$stream" in value) return this.#stream(String(value.$stream));
    if (Array.isArray(value)) return value.map((each) => this.#decode(each));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#decode(each)]));
  }

  #offer(source: AsyncIterable<unknown>): string {
    const name = `${this.#deps.side}${(this.#count += 1)}`;
    let iterator: AsyncIterator<unknown> | undefined;
    // Begun when it is first read, as here.
    const begin = (): AsyncIterator<unknown> => (iterator ??= source[Symbol.asyncIterator]());
    this.#offered.set(name, {
      next: () => begin().next(),
      return: async () => (await begin().return?.()) ?? { done: true, value: undefined },
    });
    return name;
  }

  #stream(name: string): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => (await this.#ask({ pull: name })) as IteratorResult<unknown>,
        return: async () => {
          await this.#ask({ leave: name });
          return { done: true, value: undefined };
        },
      }),
    };
  }

  #follow(signal: AbortSignal): string {
    const name = `${this.#deps.side}${(this.#count += 1)}`;
    const abort = (): void => this.#send({ abort: name });
    // After the line that names it.
    if (signal.aborted) queueMicrotask(abort);
    else signal.addEventListener("abort", abort, { once: true });
    return name;
  }

  #signal(name: string): AbortSignal {
    const controller = new AbortController();
    this.#signals.set(name, controller);
    return controller.signal;
  }
}

function toError({ code, detail, at, neverSent }: BridgeError): MicroError {
  return new MicroError(code, detail, { at, neverSent });
}
