/**
 * A closed-loop HTTP/1.1 load generator, run as a process of its own: `bun load-generator.ts`, reads {@link LoadOptions} as
 * JSON from its input and prints a JSON {@link LoadResult}. Raw sockets and fixed bytes, so that the measured side and not this one is the limit.
 */
export interface LoadOptions {
  /** `host:port`. */
  readonly address: string;
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further paths and headers, which the connections send in turn in place of `path` and `headers`. */
  readonly requests?: readonly LoadRequest[];
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly answers: number;
  /** Answers other than 2xx, and connections that broke. */
  readonly failures: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs the generator and waits for its figures. */
export async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdin: new TextEncoder().encode(JSON.stringify(options)),
    stdout: "pipe",
    stderr: "inherit",
  });
  return JSON.parse(await child.stdout.text()) as LoadResult;
}

interface Connection {
  /** Bytes of the current answer that are still to come; -1 while its head is incomplete. */
  missing: number;
  head: string;
  sentAtMs: number;
}

async function run(options: LoadOptions): Promise<LoadResult> {
  const [hostname = "127.0.0.1", port = "80"] = options.address.split(/:(?=\d+$)/);
  const requests = (options.requests ?? [options]).map((each) => formatRequest({ ...options, ...each }));
  let sentCount = 0;
  const next = (): Uint8Array => requests[sentCount++ % requests.length] ?? new Uint8Array(0);
  const latenciesMs: number[] = [];
  let failures = 0;
  const startMs = performance.now();
  const endMs = startMs + options.durationMs;
  const finished: Promise<void>[] = [];
  for (let index = 0; index < options.connections; index += 1) {
    const done = Promise.withResolvers<void>();
    finished.push(done.promise);
    await Bun.connect<Connection>({
      hostname,
      port: Number(port),
      data: { missing: -1, head: "", sentAtMs: 0 },
      socket: {
        open: (socket) => send(socket, next()),
        data: (socket, chunk) => {
          if (!takeAnswer(socket.data, chunk)) return;
          if (!socket.data.head.startsWith("HTTP/1.1 2")) failures += 1;
          latenciesMs.push(performance.now() - socket.data.sentAtMs);
          if (performance.now() < endMs) send(socket, next());
          else socket.end();
        },
        close: () => done.resolve(),
        error: () => {
          failures += 1;
          done.resolve();
        },
      },
    });
  }
  await Promise.all(finished);
  const elapsedMs = performance.now() - startMs;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
  const perSecond = (latenciesMs.length / elapsedMs) * 1_000;
  return { answers: latenciesMs.length, failures, perSecond, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function send(socket: Bun.Socket<Connection>, request: Uint8Array): void {
  socket.data.missing = -1;
  socket.data.head = "";
  socket.data.sentAtMs = performance.now();
  socket.write(request);
}

/** Counts the bytes of an answer; true when it is whole. Answers carry content-length or one last chunk. */
function takeAnswer(connection: Connection, chunk: Uint8Array): boolean {
  if (connection.missing >= 0) {
    connection.missing -= chunk.byteLength;
    return connection.missing <= 0;
  }
  connection.head += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
  const headEnd = connection.head.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(connection.head);
  if (length === null) {
    const isWhole = connection.head.endsWith("0\r\n\r\n");
    return isWhole;
  }
  connection.missing = headEnd + 4 + Number(length[1]) - connection.head.length;
  return connection.missing <= 0;
}

function formatRequest(options: LoadOptions): Uint8Array {
  const headers = Object.entries({ "content-type": "application/json", ...options.headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const body = Buffer.from(options.body);
  const head = `POST ${options.path} HTTP/1.1\r\nhost: ${options.address}\r\n${headers}content-length: ${body.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

if (import.meta.main) console.log(JSON.stringify(await run((await Bun.stdin.json()) as LoadOptions)));
