/**
 * An open-loop HTTP/1.1 load generator, run as a process of its own: requests are sent when their time has come, whether or
 * not the ones before are answered, so that an answer that is late makes those behind it late too, as it does for users.
 */
export interface OpenLoopOptions {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly durationMs: number;
}

/** Latencies from the moment when a request was due to the last byte of its answer, in milliseconds. */
export interface OpenLoopResult {
  readonly answers: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

/** Runs the generator and waits for its figures. */
export async function generateOpenLoad(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const child = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(options)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return JSON.parse(await child.stdout.text()) as OpenLoopResult;
}

interface Connection {
  socket: Bun.Socket<Connection> | undefined;
  text: string;
  dueMs: number;
}

/** The latencies of the first answers are those of a connection that was just made. */
const warmUpMs = 500;

async function run(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { perSecond, durationMs } = options;
  const request = formatRequest(options);
  const free: Connection[] = [];
  const due: number[] = [];
  const latenciesMs: number[] = [];
  let failures = 0;
  const startMs = performance.now();
  const send = (connection: Connection, dueMs: number): void => {
    connection.text = "";
    connection.dueMs = dueMs;
    connection.socket?.write(request);
  };
  const answered = (connection: Connection): void => {
    const { dueMs } = connection;
    connection.dueMs = 0;
    if (!connection.text.startsWith("HTTP/1.1 2")) failures += 1;
    if (dueMs > startMs + warmUpMs) latenciesMs.push(performance.now() - dueMs);
    const next = due.shift();
    if (next === undefined) free.push(connection);
    else send(connection, next);
  };
  for (let index = 0; index < options.connections; index += 1) free.push(await open(options.address, answered));
  const firstMs = performance.now();
  for (let count = 0; ;) {
    const elapsedMs = performance.now() - firstMs;
    if (elapsedMs >= durationMs) break;
    // What has become due since the last look was due now: a timer that is late is no fault of the server.
    for (; count < (elapsedMs * perSecond) / 1_000; count += 1) {
      const connection = free.shift();
      if (connection === undefined) due.push(performance.now());
      else send(connection, performance.now());
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while (free.length < options.connections) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const { socket } of free) socket?.end();
  latenciesMs.sort((left, right) => left - right);
  const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
  return { answers: latenciesMs.length, failures, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99) };
}

function open(address: string, answered: (connection: Connection) => void): Promise<Connection> {
  const connection: Connection = { socket: undefined, text: "", dueMs: 0 };
  return new Promise((resolve, reject) => {
    const socket: Bun.SocketHandler<Connection> = {
      open: (opened) => {
        connection.socket = opened;
        resolve(connection);
      },
      data: (_socket, chunk) => {
        connection.text += chunk.toString("latin1");
        if (isWhole(connection.text)) answered(connection);
      },
      close: () => {
        // An answer that does not come any more is one that failed.
        if (connection.dueMs > 0) answered(connection);
      },
      connectError: (_socket, reason) => reject(reason),
    };
    const [hostname = "", port] = address.split(/:(?=\d+$)/);
    const connecting = address.startsWith("unix:")
      ? Bun.connect<Connection>({ unix: address.slice("unix:".length), data: connection, socket })
      : Bun.connect<Connection>({ hostname, port: Number(port), data: connection, socket });
    connecting.catch(reject);
  });
}

function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1];
  return length === undefined ? text.endsWith("0\r\n\r\n") : text.length >= headEnd + 4 + Number(length);
}

function formatRequest({ path, body, address }: OpenLoopOptions): Uint8Array {
  const host = address.startsWith("unix:") ? "localhost" : address;
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

if (import.meta.main) console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? "{}") as OpenLoopOptions)));
