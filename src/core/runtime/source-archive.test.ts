import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { MicroError } from "#base/error.ts";
import { createTempFolder } from "#testing/temp-folder.ts";
import { unpackSource } from "./source-archive.ts";
import { tarEntry, tarOf, type TarPart } from "./tar-fixture.ts";

async function* inPieces(bytes: Uint8Array, pieceBytes = bytes.byteLength): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Unpacks below a folder of its own; gives what was unpacked, and what lies beside that folder afterwards. */
async function unpack(bytes: Uint8Array, limits?: Parameters<typeof unpackSource>[2], pieceBytes?: number) {
  await using temp = await createTempFolder();
  await mkdir(`${temp.path}/source`);
  const outcome = await unpackSource(inPieces(bytes, pieceBytes), `${temp.path}/source`, limits).then(
    (files) => ({ files, error: undefined }),
    (reason: unknown) => ({ files: [], error: MicroError.from(reason) }),
  );
  const content = new Map<string, string>();
  for (const { path } of outcome.files) content.set(path, await readFile(`${temp.path}/source/${path}`, "utf8"));
  return { ...outcome, content, beside: await readdir(temp.path) };
}

async function refusal(parts: readonly TarPart[]): Promise<MicroError | undefined> {
  return (await unpack(tarOf(parts))).error;
}

describe("unpackSource()", () => {
  it("gives the files of an archive with their hashes, plain and with gzip", async () => {
    const parts = [
      { name: "./src/", flag: "5" },
      { name: "./src/index.ts", text: "export {};", mode: 0o644 },
      { name: "run.sh", text: "#!/bin/sh", mode: 0o755 },
    ];
    for (const bytes of [tarOf(parts), Bun.gzipSync(tarOf(parts))]) {
      const { files, content } = await unpack(bytes, undefined, 700);
      expect(files).toMatchObject([
        { path: "src/index.ts", sizeBytes: 10, isExecutable: false },
        { path: "run.sh", isExecutable: true },
      ]);
      expect(files[0]?.sha256).toBe(new Bun.CryptoHasher("sha256").update("export {};").digest("hex"));
      expect(content.get("src/index.ts")).toBe("export {};");
    }
  });

  it("reads what Bun and the system's tar pack", async () => {
    const long = `${"deep/".repeat(40)}file-with-a-long-name.ts`;
    const bun = await new Bun.Archive({ [long]: "one", "päth.ts": "two" }).bytes();
    expect(Object.fromEntries((await unpack(bun)).content)).toEqual({ [long]: "one", "päth.ts": "two" });
    await using temp = await createTempFolder();
    await mkdir(`${temp.path}/${"deep/".repeat(40)}`, { recursive: true });
    await Bun.write(`${temp.path}/${long}`, "one");
    for (const format of ["ustar", "gnu", "pax"]) {
      const packed = Bun.spawnSync(["tar", "-C", temp.path, `--format=${format}`, "-cf", "-", "."]);
      expect((await unpack(packed.stdout)).content.get(long)).toBe("one");
    }
  });

  it("makes files that only their owner reads and nobody writes", async () => {
    await using temp = await createTempFolder();
    await unpackSource(inPieces(tarOf([{ name: "a.ts", text: "", mode: 0o777 }])), temp.path);
    expect((await stat(`${temp.path}/a.ts`)).mode & 0o777).toBe(0o500);
  });

  it("refuses every name that leads out of the source", async () => {
    for (const name of [
      "../a",
      "a/../../b",
      "/etc/passwd",
      "a/..",
      "..",
      "C:\\a",
      "C:a",
      "a\\..\\b",
      "a\nb",
      "\u001b[2J",
    ]) {
      const { error, beside } = await unpack(tarOf([{ name, text: "x" }]));
      expect(error?.code).toBe("invalid_argument");
      expect(beside).toEqual(["source"]);
    }
  });

  it("refuses links, devices and pipes, and what would be written through one", async () => {
    for (const flag of ["1", "2", "3", "4", "6", "S"]) {
      expect(await refusal([{ name: "a", flag, link: "/etc/passwd" }])).toMatchObject({ code: "invalid_argument" });
    }
    const error = await refusal([
      { name: "a", flag: "2", link: "/tmp" },
      { name: "a/b", text: "through the link" },
    ]);
    expect(error?.message).toContain("neither a file nor a folder");
  });

  it("refuses a name that comes twice, in whatever form", async () => {
    const twice = [
      [
        { name: "a", text: "1" },
        { name: "./a", text: "2" },
      ],
      [
        { name: "a", text: "1" },
        { name: "a/b", text: "2" },
      ],
      [
        { name: "a/b", text: "1" },
        { name: "a", text: "2" },
      ],
    ];
    for (const parts of twice) expect((await refusal(parts))?.message).toMatch(/the source holds a(\/b)? twice/);
  });

  it("refuses a path of an extended header like any other", async () => {
    const extended = (path: string): TarPart => {
      const record = ` path=${path}\n`;
      const length = record.length + 2;
      return { name: "pax", flag: "x", text: `${length}${record}` };
    };
    expect(await refusal([extended("../../up"), { name: "a", text: "x" }])).toMatchObject({ code: "invalid_argument" });
    expect(
      await refusal([
        { name: "long", flag: "L", text: "/abs/name" },
        { name: "a", text: "x" },
      ]),
    ).toMatchObject({
      code: "invalid_argument",
    });
  });

  it("stops at its limits, also inside of gzip", async () => {
    const limits = { packedBytesMax: 1_000_000, unpackedBytesMax: 1_000_000, fileCountMax: 3 };
    const bomb = Bun.gzipSync(tarOf([{ name: "a", text: "0".repeat(5_000_000) }]));
    expect(bomb.byteLength).toBeLessThan(10_000);
    expect((await unpack(bomb, limits)).error?.code).toBe("payload_too_large");
    const many = tarOf(["a", "b", "c", "d"].map((name) => ({ name, text: "" })));
    expect((await unpack(many, limits)).error?.code).toBe("payload_too_large");
    const large = tarOf([{ name: "a", text: "0".repeat(2_000_000) }]);
    expect((await unpack(large, { ...limits, unpackedBytesMax: 9_000_000 })).error?.code).toBe("payload_too_large");
  });

  it("refuses what is cut off, damaged or no archive", async () => {
    const whole = tarOf([{ name: "a", text: "x".repeat(2_000) }]);
    const cutGzip = Bun.gzipSync(whole).subarray(0, 60);
    const broken = whole.slice();
    broken[3] = 0x41;
    const samples = [
      whole.subarray(0, 1_500),
      whole.subarray(0, 100),
      new Uint8Array(0),
      cutGzip,
      broken,
      Buffer.from("PK"),
    ];
    for (const bytes of samples) expect((await unpack(bytes)).error).toMatchObject({ code: "invalid_argument" });
  });

  it("hands on the failure of its sender", async () => {
    await using temp = await createTempFolder();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Bun.gzipSync(tarOf([{ name: "a", text: "x" }])).subarray(0, 20);
      throw new MicroError("cancelled", "the caller went away");
    }
    await expect(unpackSource(failing(), temp.path)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("never writes outside and never throws anything but a MicroError, whatever the bytes", async () => {
    const name = fc.oneof(
      fc.constantFrom("..", "../x", "/x", "a", "a/b", "./a", "a/../../x", "", ".", "a/", "//x"),
      fc.string({ maxLength: 90, unit: "grapheme" }),
    );
    const flag = fc.constantFrom("0", "\0", "1", "2", "5", "7", "x", "g", "L", "K", "S");
    const part = fc.record({ name, flag, text: fc.string({ maxLength: 600 }), link: name });
    const noise = fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 5 }),
        noise,
        fc.integer({ min: 1, max: 3_000 }),
        async (parts, flips, piece) => {
          const bytes = tarOf(parts);
          for (const [at, value] of flips) if (at < bytes.byteLength) bytes[at] = value;
          const { error, beside } = await unpack(bytes, undefined, piece);
          expect(beside).toEqual(["source"]);
          if (error !== undefined) expect(error.code).not.toBe("internal");
        },
      ),
      { numRuns: 150 },
    );
    expect(existsSync("/x")).toBe(false);
  });

  it("gives back any tree that it is given", async () => {
    const segment = fc.stringMatching(/^[a-z]{1,8}$/);
    const tree = fc.dictionary(
      fc.array(segment, { minLength: 1, maxLength: 3 }).map((each) => `${each.join("/")}.ts`),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 2_000 }), async (files, piece) => {
        const bytes = tarOf(Object.entries(files).map(([name, text]) => ({ name, text })));
        const { content } = await unpack(bytes, undefined, piece);
        expect(Object.fromEntries(content)).toEqual({ ...files });
      }),
      { numRuns: 50 },
    );
  });
});

describe("tarEntry()", () => {
  it("is what the tests above stand on: the system's tar can list it", () => {
    const bytes = tarOf([{ name: "a/b.ts", text: "x" }]);
    expect(tarEntry({ name: "a" }).byteLength).toBe(512);
    expect(Bun.spawnSync(["tar", "-tf", "-"], { stdin: bytes }).stdout.toString()).toBe("a/b.ts\n");
  });
});
