import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { waitUntil } from "#testing/wait-until.ts";
import { ambiguousRequests, badChunks } from "./ambiguous-requests.ts";
import { RawSocket } from "./raw-socket.ts";
import { startEcho, type EchoServer } from "./start-echo.ts";

let echo: EchoServer;

beforeAll(async () => {
  echo = await startEcho("bun");
});
afterAll(async () => {
  await echo[Symbol.asyncDispose]();
});

const post = "POST /echo.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const body = '{"text":"smuggled"}';
const hidden = `${post}content-length: ${body.length}\r\n\r\n${body}`;

/** All that the server says until it closes the connection. */
async function answerOf(text: string): Promise<string> {
  const raw = new RawSocket(echo.rpc);
  raw.socket.write(text, "latin1");
  await waitUntil("the connection to be closed", () => raw.isClosed);
  return raw.text;
}

async function expectWell(): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://${echo.rpc}/echo.Echo/Say`, { method: "POST", body: '{"text":"well"}', headers });
  expect(await answer.json()).toMatchObject({ text: "well" });
}

describe("the ports for RPC, requests of which two readers would make two things", () => {
  // Without a host there is one way to read the request, so it is answered like any other.
  it.each(ambiguousRequests(post, hidden).filter(([what]) => what !== "no host"))(
    "refuse %s, and read nothing behind it",
    async (_what, text) => {
      const answer = await answerOf(text);
      expect(answer).toMatch(/^HTTP\/1\.1 (400|505) /);
      expect(answer).not.toContain("smuggled");
      await expectWell();
    },
  );

  it.each(badChunks)("refuse a chunk with %s", async (_what, chunks) => {
    const answer = await answerOf(`${post}transfer-encoding: chunked\r\n\r\n${chunks}${hidden}`);
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer).not.toContain("smuggled");
    await expectWell();
  });
});
