import type { ServerHttp2Stream } from "node:http2";

/** Resolves when a stream takes more bytes, or is closed. */
export function awaitDrain(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.off("drain", finish);
      stream.off("close", finish);
      resolve();
    };
    stream.on("drain", finish);
    stream.on("close", finish);
  });
}
