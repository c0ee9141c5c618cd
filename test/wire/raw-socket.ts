import { connect, type Socket } from "node:net";

/** A bare connection: what arrives is kept as text. */
export class RawSocket {
  readonly socket: Socket;
  text = "";
  isClosed = false;

  constructor(address: string) {
    const [host, port] = address.split(":");
    this.socket = address.startsWith("unix:") ? connect(address.slice(5)) : connect(Number(port), host);
    this.socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }
}
