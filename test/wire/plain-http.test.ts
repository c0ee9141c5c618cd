import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { waitUntil } from "#testing/wait-until.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer, type Runtime } from "./start-echo.ts";

/** A request as the server answers it by itself. */
function say(text: string, more = ""): string {
  const body = JSON.stringify({ text });
  const head = `POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}`;
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

/** One that is for `node:http`. */
function sayInChunks(text: string): string {
  const body = JSON.stringify({ text });
  const head = "POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  return `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

const texts = (raw: RawSocket): string[] => [...raw.text.matchAll(/"text":"([^"]*)"/g)].map(([, text = ""]) => text);
const statuses = (raw: RawSocket): string[] => [...raw.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code = ""]) => code);

describe.each<Runtime>(["bun", "node"])("plain requests over HTTP/1.1 to a server on %s", (runtime) => {
  let echo: EchoServer;
  const open: RawSocket[] = [];

  beforeAll(async () => {
    echo = await startEcho(runtime);
  });
  afterAll(async () => {
    for (const { socket } of open) socket.destroy();
    await echo[Symbol.asyncDispose]();
  });

  const dial = (): RawSocket => {
    const raw = new RawSocket(echo.rpc);
    open.push(raw);
    return raw;
  };

  it("are answered in their order, however many come at once", async () => {
    const raw = dial();
    const many = Array.from({ length: 50 }, (_, index) => `n${index}`);
    raw.socket.write(many.map((each) => say(each)).join(""));
    await waitUntil("all answers", () => texts(raw).length === many.length);
    expect(texts(raw)).toEqual(many);
  });

  it("are read from pieces of any size", async () => {
    const raw = dial();
    const bytes = say("first") + say("second") + say("third");
    for (const byte of bytes) {
      await new Promise<void>((resolve, reject) =>
        raw.socket.write(byte, (error) => (error ? reject(error) : resolve())),
      );
    }
    await waitUntil("three answers", () => texts(raw).length === 3);
    expect(texts(raw)).toEqual(["first", "second", "third"]);
  });

  it("have their bodies read from pieces, also where the first of them came with the head", async () => {
    const raw = dial();
    const long = "x".repeat(300_000);
    const bytes = Buffer.from(say(long) + say("next"));
    for (let at = 0; at < bytes.length; at += 70_001) raw.socket.write(bytes.subarray(at, at + 70_001));
    await waitUntil("both answers", () => texts(raw).length === 2);
    expect(texts(raw)).toEqual([long, "next"]);
  });

  it("may be followed by requests that are not plain, and those by plain ones", async () => {
    const raw = dial();
    raw.socket.write(say("plain"));
    await waitUntil("the first answer", () => texts(raw).length === 1);
    raw.socket.write(sayInChunks("chunks") + say("again"));
    await waitUntil("all answers", () => texts(raw).length === 3);
    expect(texts(raw)).toEqual(["plain", "chunks", "again"]);
  });

  it("are refused before their body has come, which is then read over", async () => {
    const raw = dial();
    const refused = say("refused", "content-encoding: gzip\r\n");
    raw.socket.write(refused.slice(0, -5));
    await waitUntil("the refusal", () => statuses(raw).length === 1);
    raw.socket.write(refused.slice(-5) + say("next"));
    await waitUntil("both answers", () => statuses(raw).length === 2);
    expect(statuses(raw)).toEqual(["415", "200"]);
    expect(texts(raw)).toEqual(["next"]);
  });

  it("are taken no faster than they are answered, and lost by nobody", async () => {
    const raw = dial();
    const long = "y".repeat(200_000);
    const many = Array.from({ length: 40 }, (_, index) => `${index}-${long}`);
    raw.socket.pause();
    for (const each of many) raw.socket.write(say(each));
    raw.socket.resume();
    await waitUntil("all answers", () => texts(raw).length === many.length);
    expect(texts(raw)).toEqual(many);
  });
});
