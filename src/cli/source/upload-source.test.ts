import { describe, expect, it } from "bun:test";
import { MicroError } from "#base/error.ts";
import type { Session } from "#cli/connection/session.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { collectSource } from "./collect-source.ts";
import { uploadSource } from "./upload-source.ts";

interface Upload {
  /** Paths that were named. */
  readonly listed: readonly string[];
  /** Bytes of the archive. */
  readonly bytes: number;
}

/** What a command needs of a server that answers as it is told. */
class FakeServer {
  readonly uploads: Upload[] = [];
  readonly #missing: (sha256: readonly string[]) => readonly string[];
  readonly #refuse: (upload: Upload) => MicroError | undefined;

  constructor(
    missing: (sha256: readonly string[]) => readonly string[],
    refuse: (upload: Upload) => MicroError | undefined = () => undefined,
  ) {
    this.#missing = missing;
    this.#refuse = refuse;
  }

  async call(_service: string, _endpoint: string, body: unknown): Promise<unknown> {
    return { missing: this.#missing((body as { sha256: string[] }).sha256) };
  }

  async *stream(_target: unknown, messages: AsyncIterable<string>): AsyncGenerator<unknown> {
    const listed: string[] = [];
    let bytes = 0;
    for await (const message of messages) {
      const { files = [], data = "" } = JSON.parse(message) as { files?: { path: string }[]; data?: string };
      listed.push(...files.map(({ path }) => path));
      bytes += Buffer.from(data, "base64").length;
    }
    const upload = { listed, bytes };
    this.uploads.push(upload);
    const refusal = this.#refuse(upload);
    if (refusal !== undefined) throw refusal;
    yield { id: "source://x:latest" };
  }
}

async function upload(server: FakeServer): Promise<string> {
  await using folder = await createTempFolder();
  await Bun.write(`${folder.path}/a.ts`, "a");
  await Bun.write(`${folder.path}/b.ts`, "b".repeat(5_000));
  const files = await collectSource(folder.path);
  const target = { name: "x", version: "latest", folder: "" };
  return await uploadSource(server as unknown as Session, target, { files, onSent: () => undefined });
}

describe("uploadSource()", () => {
  it("sends the files that are missing and names all", async () => {
    const server = new FakeServer((hashes) => hashes.slice(0, 1));
    expect(await upload(server)).toBe("source://x:latest");
    expect(server.uploads).toEqual([{ listed: ["a.ts", "b.ts"], bytes: 2_048 }]);
  });

  it("sends everything when what was there is gone meanwhile", async () => {
    const gone = new MicroError("conflict", "b.ts is not kept any more: send it");
    const server = new FakeServer(
      () => [],
      ({ bytes }) => (bytes < 5_000 ? gone : undefined),
    );
    expect(await upload(server)).toBe("source://x:latest");
    expect(server.uploads.map(({ bytes }) => bytes)).toEqual([1_024, 7_680]);
  });

  it("sends everything and names nothing to a server that does not know the question", async () => {
    for (const code of ["unimplemented", "not_found"] as const) {
      const server = new FakeServer(() => {
        throw new MicroError(code, "unknown method");
      });
      expect(await upload(server)).toBe("source://x:latest");
      expect(server.uploads).toEqual([{ listed: [], bytes: 7_680 }]);
    }
  });

  it("hands on every other refusal", async () => {
    const server = new FakeServer(() => {
      throw new MicroError("permission_denied", "no");
    });
    await expect(upload(server)).rejects.toMatchObject({ code: "permission_denied" });
  });
});
