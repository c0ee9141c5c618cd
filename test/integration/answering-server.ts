import { decodeEnvelopes, encodeEnvelope } from "#cli/connection/envelope.ts";
import { baseEnvironment, runCommand, type CommandOptions, type CommandResult } from "#testing/run-command.ts";
import { microCommand } from "#testing/start-server.ts";
import { createTempFolder } from "#testing/temp-folder.ts";

/** A request of the command line. */
interface Asked {
  readonly path: string;
  readonly headers: Headers;
  readonly messages: readonly unknown[];
}

export type Answer = (messages: readonly unknown[]) => Response;

/** A listener that answers each path as the test says, and keeps what it was asked; with a command line that talks to it. */
export interface AnsweringServer extends AsyncDisposable {
  readonly asked: Asked[];
  micro(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
}

/** @param answers by path; another one is answered with 404 */
export async function answering(answers: Readonly<Record<string, Answer>>): Promise<AnsweringServer> {
  const folder = await createTempFolder();
  const asked: Asked[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: async (request) => {
      const { pathname: path } = new URL(request.url);
      const messages = await readMessages(request);
      asked.push({ path, headers: request.headers, messages });
      return answers[path]?.(messages) ?? failure(404, `no answer for ${path}`);
    },
  });
  const env = { ...baseEnvironment(), MICRO_HOME: folder.path, MICRO_ENV: "test" };
  const micro: AnsweringServer["micro"] = (args, options = {}) =>
    runCommand([...microCommand, ...args], { ...options, env: { ...env, ...options.env } });
  await micro(["env", "add", "test", `127.0.0.1:${server.port}`]);
  return {
    asked,
    micro,
    [Symbol.asyncDispose]: async () => {
      await server.stop(true);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function readMessages(request: Request): Promise<unknown[]> {
  if (request.headers.get("content-type") !== "application/connect+json") return [JSON.parse(await request.text())];
  const messages: unknown[] = [];
  if (request.body === null) return messages;
  for await (const { message } of decodeEnvelopes(request.body))
    messages.push(JSON.parse(new TextDecoder().decode(message)));
  return messages;
}

/** Always the same JSON. */
export function json(value: unknown): Answer {
  return () => Response.json(value);
}

/** An error as the server writes them. */
export function failure(code: number, detail: string): Response {
  return Response.json({ id: "test", code, detail, status: "" }, { status: code });
}

/** A stream of messages that ends with `end`. */
export function stream(messages: readonly unknown[], end: object = {}): Response {
  const encode = (value: unknown, flags = 0): Uint8Array =>
    encodeEnvelope(new TextEncoder().encode(JSON.stringify(value)), flags);
  const body = Buffer.concat([...messages.map((each) => encode(each)), encode(end, 2)]);
  return new Response(body, { headers: { "content-type": "application/connect+json" } });
}
