import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import { fromConnectionFailure } from "#rpc/connection-error.ts";
import type { HttpClient, HttpResult, HttpSend } from "#rpc/http-client.ts";
import { parseSocketAddress } from "#rpc/socket-address.ts";

/**
 * HTTP/1.1 over Bun's own `fetch`, which keeps connections, notices those that the peer closed, and does not send a POST
 * twice by itself.
 *
 * Bun carries at most 256 exchanges of all clients of a process at once (`BUN_CONFIG_MAX_HTTP_REQUESTS` at its start),
 * and sends calls to a host through `HTTP_PROXY` where that is set and `NO_PROXY` does not name the host.
 */
export function createHttpClient(): HttpClient {
  return new FetchHttpClient();
}

class FetchHttpClient implements HttpClient {
  async post(address: string, send: HttpSend<Uint8Array>): Promise<HttpResult<Uint8Array>> {
    const response = await request(address, send);
    const { status, headers } = response;
    try {
      return { status, headers, body: await readBody(response) };
    } catch (reason) {
      throw explain(address, reason, { signal: send.signal, isSent: true });
    }
  }

  async postStream(
    address: string,
    send: HttpSend<AsyncIterable<Uint8Array>>,
  ): Promise<HttpResult<AsyncIterable<Uint8Array>>> {
    const response = await request(address, send);
    return { status: response.status, headers: response.headers, body: readChunks(address, response, send.signal) };
  }

  /** Bun owns the connections and closes the idle ones. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function request(address: string, send: HttpSend<Uint8Array | AsyncIterable<Uint8Array>>): Promise<Response> {
  const target = parseSocketAddress(address);
  try {
    return await fetch(target.kind === "unix" ? `http://localhost${send.path}` : `http://${address}${send.path}`, {
      method: "POST",
      headers: send.headers,
      body: send.body,
      redirect: "manual",
      // The deadline of the call decides, not the five minutes that Bun has of its own.
      timeout: false,
      ...(target.kind === "unix" && { unix: target.path }),
      ...(send.signal !== undefined && { signal: send.signal }),
    });
  } catch (reason) {
    throw explain(address, reason, { signal: send.signal });
  }
}

async function readBody(response: Response): Promise<Uint8Array> {
  const bytesMax = limits.messageBytesMax;
  const announced = response.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) <= bytesMax) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    throw answerTooLarge(bytesMax);
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.byteLength;
    if (total > bytesMax) throw answerTooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* readChunks(
  address: string,
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk;
  } catch (reason) {
    throw explain(address, reason, { signal, isSent: true });
  }
}

function explain(
  address: string,
  reason: unknown,
  at: { readonly signal: AbortSignal | undefined; readonly isSent?: boolean },
): MicroError {
  if (MicroError.is(reason)) return reason;
  if (at.signal?.aborted === true) return MicroError.from(at.signal.reason, { code: "cancelled" });
  return fromConnectionFailure(address, reason, at.isSent);
}

function answerTooLarge(bytesMax: number): MicroError {
  return new MicroError("payload_too_large", `the answer is above the limit of ${bytesMax} bytes`);
}
