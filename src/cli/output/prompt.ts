import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { isatty } from "node:tty";

/** Asks the user. What is piped in answers line by line. */
export interface Prompt {
  /** An empty answer at the end of the input. */
  ask(question: string): Promise<string>;
  /** The same without showing what is typed. */
  askHidden(question: string): Promise<string>;
  close(): void;
}

/**
 * Opens standard input. Questions go to standard error, so that they never mix with a result, and only where somebody sits
 * who can read them.
 */
export function openPrompt(): Prompt {
  const isTerminal = isatty(0);
  let isHidden = false;
  const output = new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      if (!isHidden) process.stderr.write(chunk);
      done();
    },
  });
  const reader = createInterface({ input: process.stdin, output, terminal: isTerminal });
  const lines = reader[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string> => {
    if (isTerminal) process.stderr.write(question);
    const next = await lines.next();
    return next.done === true ? "" : next.value;
  };
  return {
    ask,
    askHidden: async (question) => {
      isHidden = isTerminal;
      const answer = await ask(question);
      isHidden = false;
      if (isTerminal) process.stderr.write("\n");
      return answer;
    },
    close: () => reader.close(),
  };
}
