import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { makeFifo } from "./make-fifo.ts";

/** The two streams of a process. */
export const outputStreams = ["stdout", "stderr"] as const;
export type OutputStream = (typeof outputStreams)[number];

/** One file descriptor a stream. */
export type OutputHandles = Readonly<Record<OutputStream, number>>;

/** Both ends of the pipes of a process that is about to be started. */
export interface NewPipes {
  readonly read: OutputHandles;
  /** For the process; to be closed here once it has them. */
  readonly write: OutputHandles;
}

/**
 * The named pipes between a service and whichever server runs it. A service holds its own end open for reading too: it is
 * not told that its reader is gone when a server dies, and the next server opens the pipe again. Meanwhile the pipe
 * takes 64 KiB, and a service that prints more waits; nothing fills the disk.
 */
export class OutputPipes {
  readonly #folder: string;

  /** @param folder made where it is missing. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws MicroError, or what the file system says, when the pipes cannot be made. */
  create(instance: string): NewPipes {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.remove(instance);
    for (const stream of outputStreams) makeFifo(this.#path(instance, stream));
    const read = this.open(instance);
    try {
      return { read, write: this.#openBoth(instance, constants.O_RDWR) };
    } catch (reason) {
      closeHandles(read);
      throw reason;
    }
  }

  /** Opens the pipes of a process that runs already. @throws what the file system says when they are gone. */
  open(instance: string): OutputHandles {
    return this.#openBoth(instance, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  has(instance: string): boolean {
    return outputStreams.every((stream) => existsSync(this.#path(instance, stream)));
  }

  remove(instance: string): void {
    for (const stream of outputStreams) rmSync(this.#path(instance, stream), { force: true });
  }

  #openBoth(instance: string, flags: number): OutputHandles {
    const stdout = openSync(this.#path(instance, "stdout"), flags);
    try {
      return { stdout, stderr: openSync(this.#path(instance, "stderr"), flags) };
    } catch (reason) {
      closeSync(stdout);
      throw reason;
    }
  }

  #path(instance: string, stream: OutputStream): string {
    return `${this.#folder}/${instance}.${stream}`;
  }
}

export function closeHandles(handles: OutputHandles): void {
  for (const stream of outputStreams) closeSync(handles[stream]);
}
