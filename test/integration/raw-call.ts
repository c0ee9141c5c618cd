import { connect as connectNet } from "node:net";
import { connect, type OutgoingHttpHeaders } from "node:http2";
import { expect } from "bun:test";
import { encodeFrame } from "#rpc/grpc-frame.ts";

/** An HTTP answer as a stranger sees it. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One HTTP request with nothing of ours in between. */
export async function request(url: string, init: RequestInit = {}): Promise<HttpAnswer> {
  const response = await fetch(url, { redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A POST of JSON. */
export function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return request(url, { method: "POST", body: text, headers: { "content-type": "application/json", ...headers } });
}

/** A refusal is one JSON object with four fields and one sentence, without a word about our source. */
export function expectRefusal(answer: HttpAnswer, status: number, detail: string | RegExp): void {
  expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({
    status,
    type: "application/json",
  });
  const body = JSON.parse(answer.text) as Record<string, unknown>;
  expect(Object.keys(body)).toEqual(["id", "code", "detail", "status"]);
  expect(body["code"]).toBe(status);
  const said = String(body["detail"]);
  if (typeof detail === "string") expect(said).toContain(detail);
  else expect(said).toMatch(detail);
  expectOneLine(said);
}

/** One line, without a stack. */
export function expectOneLine(text: string): void {
  expect(text).toMatch(/^[^\n]+$/);
  expect(text).not.toMatch(/\.[jt]s:\d+|^\s*at |node_modules|\[object/);
}

/** How a gRPC call ended. */
export interface GrpcAnswer {
  readonly status: number;
  /** `grpc-message`, decoded. */
  readonly message: string;
}

/**
 * One gRPC call with the given messages and nothing else, on a connection of its own. Streams are cut after the first
 * message that comes back, which counts as status 0.
 */
export async function grpcCall(
  address: string,
  path: string,
  {
    messages = [{}],
    raw,
    headers = {},
  }: { messages?: readonly unknown[]; raw?: Uint8Array; headers?: OutgoingHttpHeaders } = {},
): Promise<GrpcAnswer> {
  const session = connect(`http://${address}`);
  session.on("error", () => undefined);
  try {
    return await new Promise<GrpcAnswer>((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc+json",
        te: "trailers",
        ...headers,
      });
      const finish = (said: Readonly<Record<string, unknown>>): void => {
        if (said["grpc-status"] === undefined) return;
        const message = said["grpc-message"];
        const text = typeof message === "string" ? decodeURIComponent(message) : "";
        resolve({ status: Number(said["grpc-status"]), message: text });
      };
      stream.on("response", finish);
      stream.on("trailers", finish);
      stream.on("data", () => undefined);
      stream.once("data", () => setTimeout(() => resolve({ status: 0, message: "" }), 200).unref());
      stream.on("error", reject);
      stream.once("close", () => reject(new Error(`${path} ended without a status`)));
      for (const message of messages) stream.write(encodeFrame(new TextEncoder().encode(JSON.stringify(message))));
      stream.end(raw);
    });
  } finally {
    session.destroy();
  }
}

/** Sends bytes to a port and returns what comes back until the other side closes, or has been silent for a second. */
export function sendBytes(address: string, bytes: Uint8Array | string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve) => {
    let text = "";
    const socket = connectNet({ host, port: Number(port) });
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(text));
    socket.write(bytes);
  });
}
