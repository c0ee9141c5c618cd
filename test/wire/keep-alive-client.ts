import { connect, type Socket } from "node:net";

/** What became of the requests of clients. */
export interface ClientTally {
  /** Answers by status. */
  readonly answers: Map<number, number>;
  /** Requests on a connection that the server had not said it would close, and that got no answer. */
  lost: number;
  /** Answers that asked to close the connection. */
  closes: number;
}

export function newTally(): ClientTally {
  return { answers: new Map(), lost: 0, closes: 0 };
}

/**
 * Sends a request, waits for its answer, sends the next, on one connection for as long as the server keeps it, and on a
 * new one where it said that it closes. Ends when nobody listens any more, or when `isOver` says so.
 */
export async function askOnAndOn(
  address: string,
  request: string,
  tally: ClientTally,
  isOver: () => boolean = () => false,
): Promise<void> {
  while (!isOver()) {
    const connection = await open(address);
    if (connection === undefined) return;
    for (let isFirst = true; !isOver(); isFirst = false) {
      const answer = await connection.ask(request);
      if (answer === undefined) {
        // A connection that was never answered on was waiting in the system's queue when the server left: nobody took it in.
        if (!isFirst) tally.lost += 1;
        break;
      }
      tally.answers.set(answer.status, (tally.answers.get(answer.status) ?? 0) + 1);
      if (!answer.closes) continue;
      tally.closes += 1;
      break;
    }
    connection.close();
  }
}

interface Answer {
  readonly status: number;
  readonly closes: boolean;
}

interface Connection {
  /** Undefined when the connection ends without an answer. */
  ask(request: string): Promise<Answer | undefined>;
  close(): void;
}

/** Undefined when nobody listens. */
function open(address: string): Promise<Connection | undefined> {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  let text = "";
  let isOver = false;
  let wake = (): void => undefined;
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    wake();
  });
  socket.on("close", () => {
    isOver = true;
    wake();
  });
  const ask = async (request: string): Promise<Answer | undefined> => {
    text = "";
    socket.write(request);
    for (;;) {
      const answer = parseAnswer(text);
      if (answer !== undefined || isOver) return answer;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return new Promise((resolve) => {
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve({ ask, close: () => end(socket) }));
  });
}

function end(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.destroy();
}

/** Undefined while it is not whole. */
function parseAnswer(text: string): Answer | undefined {
  const [head = "", body] = text.split("\r\n\r\n");
  if (body === undefined) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (body.length < length) return undefined;
  return { status: Number(head.slice(9, 12)), closes: /\r\nconnection: close/i.test(head) };
}
