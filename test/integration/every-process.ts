import { request } from "node:http";

/** An answer, and which process of the server gave it. */
export interface ProcessAnswer {
  /** The part of the request's name that a process gives to all of its requests. */
  readonly process: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a connection of its own, which the system gives to any of the processes that share the port. */
export function askOnce(address: string, { method = "GET", path, headers = {}, body }: Asked): Promise<ProcessAnswer> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, method, path, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => {
        const name = String(answer.headers["x-request-id"] ?? "");
        const text = Buffer.concat(parts).toString("latin1");
        resolve({ process: name.split("-")[0] ?? "", status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Connections that reach every one of a few processes, but for one time in a million. */
const attemptCountMax = 100;

/** The first answer of each of so many processes. @throws Error when fewer answer. */
export async function askEvery(address: string, asked: Asked, processCount: number): Promise<readonly ProcessAnswer[]> {
  const answers = new Map<string, ProcessAnswer>();
  for (let attempt = 0; attempt < attemptCountMax && answers.size < processCount; attempt += 1) {
    const answer = await askOnce(address, asked);
    if (!answers.has(answer.process)) answers.set(answer.process, answer);
  }
  if (answers.size === processCount) return [...answers.values()];
  throw new Error(`${answers.size} of ${processCount} processes answered ${asked.path}`);
}
