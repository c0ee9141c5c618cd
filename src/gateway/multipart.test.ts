import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { parseBoundary, readMultipart } from "./multipart.ts";

interface Field {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly content: string;
}

async function read(pieces: readonly Uint8Array[], boundary = "b"): Promise<Field[]> {
  const fields: Field[] = [];
  const source = (async function* () {
    yield* pieces;
  })();
  for await (const { name, fileName, content } of readMultipart(source, boundary)) {
    const bytes: Uint8Array[] = [];
    for await (const piece of content) bytes.push(piece);
    fields.push({ name, fileName, content: Buffer.concat(bytes).toString() });
  }
  return fields;
}

/** The text in pieces of the given lengths, one after the other and again. */
function cut(text: string, lengths: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.byteLength; index += 1) {
    const length = lengths[index % lengths.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

const form = [
  "preamble\r\n--b",
  'Content-Disposition: form-data; name="a \\"b\\""; filename="c;d.txt"\r\nContent-Type: text/plain\r\n\r\none\r\n--b',
  "content-disposition: form-data; name=two\r\n\r\n\r\n--b",
  'Content-Disposition: form-data; name="t%22"; filename=""\r\n\r\n--b\r\r\n--\r\n--b--\r\nepilogue',
].join("\r\n");

describe("readMultipart()", () => {
  it("reads names, files and contents, however the body is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (lengths) => {
        expect(await read(cut(form, lengths))).toEqual([
          { name: 'a "b"', fileName: "c;d.txt", content: "one" },
          { name: "two", fileName: undefined, content: "" },
          { name: 't"', fileName: "", content: "--b\r\r\n--" },
        ]);
      }),
    );
  });

  it("reads what FormData writes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ unit: "binary" })), { maxLength: 5 }),
        async (fields) => {
          const data = new FormData();
          for (const [name, content] of fields) data.append(name, new File([content], "f"));
          const response = new Response(data);
          const boundary = parseBoundary(response.headers.get("content-type") ?? "");
          const body = new Uint8Array(await response.arrayBuffer());
          const found = await read([body], boundary);
          expect(found.map(({ content }) => content)).toEqual(
            fields.map(([, content]) => Buffer.from(content).toString()),
          );
        },
      ),
    );
  });

  it("skips what nobody reads of a part", async () => {
    const names: string[] = [];
    for await (const { name } of readMultipart(
      (async function* () {
        yield* cut(form, [7]);
      })(),
      "b",
    )) {
      names.push(name);
    }
    expect(names).toEqual(['a "b"', "two", 't"']);
  });

  it("gives parts or a MicroError, whatever it is given", async () => {
    const word = fc.constantFrom(
      "--b",
      "--b--",
      "\r\n",
      "\r\n\r\n",
      'Content-Disposition: form-data; name="a"',
      ":",
      "x",
      "-",
      "\0",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word), fc.integer({ min: 1, max: 9 }), async (words, length) => {
        try {
          await read(cut(words.join(""), [length]));
        } catch (reason) {
          expect(MicroError.is(reason) && reason.code).toBe("invalid_argument");
        }
      }),
    );
  });

  it("refuses headers without end, and parts without number", async () => {
    const endless = cut(`--b\r\n${"x".repeat(20_000)}`, [1_000]);
    expect(read(endless)).rejects.toThrow("longer than");
    const part = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n';
    expect(read([Buffer.from(`${part.repeat(1_001)}--b--`)])).rejects.toThrow("more than 1000 parts");
  });
});

describe("parseBoundary()", () => {
  it("reads it with quotes and without", () => {
    expect(parseBoundary("multipart/form-data; boundary=a-b_c")).toBe("a-b_c");
    expect(parseBoundary('multipart/form-data; charset=x; Boundary="a b"')).toBe("a b");
  });

  it("refuses none, an empty one and a long one", () => {
    for (const bad of ["", "; boundary=", '; boundary=""', `; boundary=${"x".repeat(71)}`]) {
      expect(() => parseBoundary(`multipart/form-data${bad}`)).toThrow("boundary");
    }
  });
});
