import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { lstat, readdir } from "node:fs/promises";
import { startServer, type TestServer } from "#testing/start-server.ts";
import { expectOneLine, grpcCall, type GrpcAnswer } from "./raw-call.ts";

/** Archives that try to leave their folder, sent to the real upload. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server[Symbol.asyncDispose]());

/** One entry of a tar archive, of any type, with any name, with a header that holds. */
function entry({
  name,
  type = "0",
  link = "",
  text = "",
}: {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly text?: string;
}): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
}

const end = Buffer.alloc(1_024);

async function upload(archive: Uint8Array, service: Readonly<Record<string, string>> = {}): Promise<GrpcAnswer> {
  const data = Buffer.from(archive).toString("base64");
  return grpcCall(server.addresses.proxy, "/runtime.Source/Upload", {
    messages: [{ service: { name: "evil", version: "latest", ...service }, data }],
    headers: { authorization: `Bearer ${await server.token()}` },
  });
}

/** Every path below the folder that holds the server's home, but for what the server fills by itself in the background. */
async function paths(): Promise<string[]> {
  const all = await readdir(`${server.home}/..`, { recursive: true });
  return all.filter((each) => !/node_modules|^\.bun|\/store|\.lock/.test(each)).toSorted();
}

describe("an upload", () => {
  it("is refused when an entry leads out of the source or is no plain file, and leaves nothing", async () => {
    const good = entry({ name: "index.ts", text: "good" });
    expect(await upload(Buffer.concat([good, end]))).toMatchObject({ status: 0 });
    const before = await paths();
    const marker = `marker-${crypto.randomUUID()}`;
    const bad = {
      "dot dot": entry({ name: `../${marker}`, text: "x" }),
      "dot dot further in": entry({ name: `a/../../${marker}`, text: "x" }),
      "many dot dots": entry({ name: `${"../".repeat(20)}tmp/${marker}`, text: "x" }),
      "an absolute name": entry({ name: `/tmp/${marker}`, text: "x" }),
      "a backslash": entry({ name: `..\\${marker}`, text: "x" }),
      "a drive": entry({ name: `C:${marker}`, text: "x" }),
      "a control character": entry({ name: `a\u0007${marker}`, text: "x" }),
      "a folder outside": entry({ name: `../${marker}/`, type: "5" }),
      "a long name outside": Buffer.concat([
        entry({ name: "././@LongLink", type: "L", text: `../${marker}\0` }),
        entry({ name: "short", text: "x" }),
      ]),
      "a path outside in an extended header": Buffer.concat([
        entry({ name: "pax", type: "x", text: paxRecord("path", `../${marker}`) }),
        entry({ name: "short", text: "x" }),
      ]),
      "a symbolic link": entry({ name: marker, type: "2", link: "/etc/passwd" }),
      "a file through a symbolic link": Buffer.concat([
        entry({ name: "out", type: "2", link: "/tmp" }),
        entry({ name: `out/${marker}`, text: "x" }),
      ]),
      "a hard link": entry({ name: marker, type: "1", link: "../../../id_rsa" }),
      "a device": entry({ name: marker, type: "3" }),
      "a pipe": entry({ name: marker, type: "6" }),
      "no archive": Buffer.from("this is no archive at all, but it is long enough to be looked at".repeat(20)),
    };
    for (const [what, archive] of Object.entries(bad)) {
      const answer = await upload(Buffer.concat([good, archive, end]));
      expect({ what, status: answer.status, message: answer.message }).toMatchObject({ what, status: 3 });
      expectOneLine(answer.message);
    }
    const twice = Buffer.concat([good, entry({ name: "index.ts/x", text: "x" }), end]);
    expect(await upload(twice)).not.toMatchObject({ status: 0 });
    const cut = Buffer.concat([good, entry({ name: "b", text: "x".repeat(2_000) })]).subarray(0, 1_700);
    expect(await upload(cut)).not.toMatchObject({ status: 0 });
    expect(await paths()).toEqual(before);
    expect(await lstat(`/tmp/${marker}`).catch(() => undefined)).toBe(undefined);
  });

  it("is refused for a service whose name leads elsewhere", async () => {
    const archive = Buffer.concat([entry({ name: "index.ts", text: "x" }), end]);
    for (const name of ["../x", "a/b", "", ".", "..", "a\u0000b", "-x", "x".repeat(300)]) {
      expect({ name, ...(await upload(archive, { name })) }).toMatchObject({ name, status: 3 });
    }
    expect((await upload(archive, { version: "../../x" })).status).toBe(3);
  });

  it("is taken when nothing is wrong with it", async () => {
    expect(await upload(Buffer.concat([entry({ name: "./a/index.ts", text: "x" }), end]))).toMatchObject({ status: 0 });
  });
});

/** A record of a POSIX extended header: its own length first, which counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const guess = rest.length + 2;
  return `${guess >= 100 ? rest.length + 3 : guess}${rest}`;
}
