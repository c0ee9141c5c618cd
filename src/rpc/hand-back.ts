import type { Socket } from "node:net";

/** Puts bytes back into a connection, for whoever `takeOver` makes its reader. Nobody else reads it any more. */
export function handBack(socket: Socket, bytes: Uint8Array, takeOver: () => void): void {
  socket.pause();
  socket.unshift(bytes);
  takeOver();
  // Who reads through events wants the flow back; who reads the connection itself takes what waits on its own.
  if (socket.listenerCount("data") > 0) socket.resume();
}
