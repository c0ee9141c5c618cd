import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chromium, type Browser } from "playwright-core";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { waitUntil } from "#testing/wait-until.ts";

const services = ["profiles", "presence", "chat"];
const folder = new URL("../../examples/chat", import.meta.url).pathname;
const chromiumPath = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => Bun.which(name))
  .find((path) => path !== null);

/** One pixel. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let server: TestServer;

const url = (path: string): string => `http://${server.addresses.gateway}${path}`;

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return (await (await fetch(url(path), init)).json()) as Record<string, unknown>;
}

/** Reads a stream of the gateway line by line; leaving it ends the call. */
async function* lines(path: string): AsyncGenerator<Record<string, unknown>> {
  const leave = new AbortController();
  try {
    const { body } = await fetch(url(path), { signal: leave.signal });
    if (body === null) return;
    let rest = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const all = (rest + chunk).split("\n");
      rest = all.pop() ?? "";
      for (const line of all) yield JSON.parse(line) as Record<string, unknown>;
    }
  } finally {
    leave.abort();
  }
}

async function take(count: number, path: string): Promise<Record<string, unknown>[]> {
  const taken: Record<string, unknown>[] = [];
  for await (const line of lines(path)) if (taken.push(line) === count) break;
  return taken;
}

beforeAll(async () => {
  server = await startServer();
  for (const name of services) {
    const run = await server.micro(["run", `${folder}/${name}`]);
    expect(run).toMatchObject({ code: 0, stdout: "" });
  }
});
afterAll(() => server[Symbol.asyncDispose]());

describe("examples/chat", () => {
  it("keeps what is said, and replays it from any place to whoever joins late", async () => {
    for (const text of ["one", "two", "three"]) await post("/chat/Post", { room: "kitchen", author: "ann", text });
    const all = await take(3, "/chat/Messages?room=kitchen");
    expect(all.map(({ sequence, text }) => [sequence, text])).toEqual([
      [1, "one"],
      [2, "two"],
      [3, "three"],
    ]);
    const late = lines("/chat/Messages?room=kitchen&after=2");
    expect((await late.next()).value).toMatchObject({ sequence: 3, text: "three", id: all[2]?.["id"] });
    const live = late.next();
    await post("/chat/Post", { room: "kitchen", author: "bob", text: "four" });
    expect((await live).value).toMatchObject({ sequence: 4, author: "bob", text: "four" });
    await late.return(undefined);
  });

  it("follows a setting while it runs", async () => {
    const long = { room: "hall", author: "ann", text: "x".repeat(21) };
    expect(await server.micro(["config", "set", "chat.text_length_max", "20"])).toMatchObject({ code: 0 });
    expect(await post("/chat/Post", long)).toMatchObject({
      code: 400,
      detail: "text: a message has at most 20 characters, not 21",
    });
    expect(await server.micro(["config", "delete", "chat.text_length_max"])).toMatchObject({ code: 0 });
    expect(await post("/chat/Post", long)).toMatchObject({ sequence: 1 });
  });

  it("tells who is there", async () => {
    const watch = lines("/presence/Watch?room=hall");
    const first = watch.next();
    // Nothing is kept: the sign is given until somebody has heard it.
    let isHeard = false;
    void first.then(() => (isHeard = true));
    await waitUntil("the sign is seen", async () => {
      await post("/presence/Enter", { room: "hall", author: "ann" });
      return isHeard;
    });
    expect((await first).value).toEqual({ room: "hall", author: "ann" });
    await watch.return(undefined);
  });

  it("has profiles, with pictures, and counts what each said", async () => {
    await post("/profiles/Save", { id: "jane", name: "Jane" });
    await post("/profiles/Save", { id: "joe", name: "Joe" });
    expect(await post("/profiles/SetAvatar", { id: "jane", type: "image/png", image: png })).toMatchObject({
      avatar: "avatars/jane",
    });
    for (const author of ["joe", "jane", "jane"]) await post("/chat/Post", { room: "lobby", author, text: "hello" });
    await waitUntil("all are counted", async () => {
      const { people } = (await post("/profiles/Busiest", {})) as { people: { id: string; posts: number }[] };
      return JSON.stringify(people.map(({ id, posts }) => [id, posts])) === '[["jane",2],["joe",1]]';
    });
    const [, message] = await take(2, "/chat/Messages?room=lobby");
    expect(message).toMatchObject({ author: "jane", avatar: "/blobs/micro/avatars/jane" });
    const picture = await fetch(url(String(message?.["avatar"])));
    expect(picture.headers.get("content-type")).toBe("image/png");
    expect(Buffer.from(await picture.arrayBuffer()).toString("base64")).toBe(png);
    const again = await fetch(url(String(message?.["avatar"])), {
      headers: { "if-none-match": picture.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
  });

  it.skipIf(chromiumPath === undefined)("has a page on which two people talk", async () => {
    await using browser = await openBrowser();
    const [ann, bob] = [await browser.newPage(), await browser.newPage()];
    for (const page of [ann, bob]) await page.goto(url("/blobs/micro/chat/index.html?room=garden"));
    await ann.fill("#author", "ann");
    await ann.fill("#text", "is <b>anybody</b> here?");
    await ann.click("button");
    await bob.waitForSelector("#messages li:has-text('ann is <b>anybody</b> here?')");
    await bob.fill("#author", "bob");
    await bob.fill("#text", "yes");
    await bob.press("#text", "Enter");
    await ann.waitForSelector("#messages li:has-text('bob yes')");
    await ann.waitForSelector("#present:has-text('bob')");
    expect(await ann.locator("#problem").textContent()).toBe("");
  });

  it("is all there after a power cut", async () => {
    const before = await take(3, "/chat/Messages?room=lobby");
    await server.kill("SIGKILL");
    await server.start();
    // A chat goes on without pictures, so that it may answer before the profiles are back.
    for (const path of ["/profiles/Read?id=jane", "/chat/Messages?room=lobby"]) {
      await waitUntil(`${path} answers`, async () => (await fetch(url(path))).status === 200);
    }
    expect(await take(3, "/chat/Messages?room=lobby")).toEqual(before);
    expect(await post("/chat/Post", { room: "lobby", author: "ann", text: "again" })).toMatchObject({ sequence: 4 });
  });
});

async function openBrowser(): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}
