import { describe, expect, it } from "bun:test";
import fc from "fast-check";
import { MicroError } from "#base/error.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { HpackError } from "./protocol-error.ts";

const listBytesMax = 64 * 1024;

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

function failureOf(block: Buffer): unknown {
  try {
    new HpackDecoder(listBytesMax).decode(block);
    return undefined;
  } catch (reason) {
    return reason;
  }
}

const name = fc.stringMatching(/^[a-z0-9_.-]{1,200}$/);
const value = fc
  .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff })), { maxLength: 300 })
  .map((codes) => String.fromCodePoint(...codes));

describe("HpackDecoder.decode()", () => {
  it("reads the examples of RFC 7541, with Huffman's code and a table that grows", () => {
    const requests = new HpackDecoder(listBytesMax);
    expect(requests.decode(hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))).toEqual({
      ":method": "GET",
      ":scheme": "http",
      ":path": "/",
      ":authority": "www.example.com",
    });
    expect(requests.decode(hex("8286 84be 5886 a8eb 1064 9cbf"))).toEqual({
      ":method": "GET",
      ":scheme": "http",
      ":path": "/",
      ":authority": "www.example.com",
      "cache-control": "no-cache",
    });
    const answers = new HpackDecoder(listBytesMax);
    const first = hex(
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b" +
        "97c8 e9ae 82ae 43d3",
    );
    const known = {
      "cache-control": "private",
      date: "Mon, 21 Oct 2013 20:13:21 GMT",
      location: "https://www.example.com",
    };
    expect(answers.decode(first)).toEqual({ ":status": "302", ...known });
    expect(answers.decode(hex("4883 640e ffc1 c0bf"))).toEqual({ ":status": "307", ...known });
  });

  it("reads what the encoder writes", () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        const encoder = new HpackEncoder();
        const block = Object.entries(headers).map(([key, text]) => encoder.encode(key, text));
        const decoded = new HpackDecoder(16 * 1024 * 1024).decode(Buffer.from(block.join(""), "latin1"));
        expect(Object.entries(decoded)).toEqual(Object.entries(headers));
      }),
    );
  });

  it("joins several values of one name, whatever the name", () => {
    const encoder = new HpackEncoder();
    const block = ["a", "constructor", "__proto__"].flatMap((key) => [
      encoder.encode(key, "1"),
      encoder.encode(key, "2"),
    ]);
    const decoded = new HpackDecoder(listBytesMax).decode(Buffer.from(block.join(""), "latin1"));
    expect(Object.entries(decoded)).toEqual([
      ["a", "1, 2"],
      ["constructor", "1, 2"],
      ["__proto__", "1, 2"],
    ]);
  });

  it("forgets the oldest entries of the table when it is full, and all when it is told to have no room", () => {
    const decoder = new HpackDecoder(listBytesMax);
    const add = (index: number): Buffer => {
      const text = String(index).padStart(1_000, "0");
      return Buffer.from(`\u0040\u0001a\u007f\u00e9\u0006${text}`, "latin1");
    };
    for (let index = 0; index < 10; index += 1) decoder.decode(add(index));
    // Three of 1033 bytes are within 4096.
    expect(decoder.decode(hex("be"))["a"]).toEndWith("9");
    expect(decoder.decode(hex("c0"))["a"]).toEndWith("7");
    expect(() => decoder.decode(hex("c1"))).toThrow(HpackError);
    decoder.decode(hex("20"));
    expect(() => decoder.decode(hex("be"))).toThrow(HpackError);
  });

  for (const [what, block] of Object.entries({
    "a number that is none": hex("80"),
    "a number beyond the table": hex("be"),
    "a number without end": hex("ff ff ff ff ff ff ff ff ff ff ff"),
    "a text that ends too early": hex("00 05 61"),
    "no name": hex("00 00 01 61"),
    "a name in upper case": hex("00 01 41 01 61"),
    "a value with a line feed": hex("00 01 61 01 0a"),
    "a code that is cut": hex("00 01 61 81 00"),
    "the code of the end": hex("00 01 61 84 ff ff ff ff"),
    "a table larger than it may be": hex("3f e2 1f"),
    "kilobytes by a byte each": Buffer.concat([
      Buffer.from(`\u0040\u0001a\u007f\u00e9\u0006${"x".repeat(1_000)}`, "latin1"),
      Buffer.alloc(1_000, 0xbe),
    ]),
  })) {
    it(`refuses ${what}`, () => {
      expect(failureOf(block)).toBeInstanceOf(HpackError);
    });
  }

  it("never throws anything but a refusal, whatever arrives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const failure = failureOf(Buffer.from(bytes));
        expect(failure === undefined || failure instanceof HpackError).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("HpackEncoder.encode()", () => {
  it("asks everybody on the way not to keep secrets", () => {
    const encoder = new HpackEncoder();
    expect(encoder.encode("authorization", "x").codePointAt(0)).toBe(0x1f);
    expect(encoder.encode("x-a", "x").codePointAt(0)).toBe(0);
  });

  it("refuses what is no header", () => {
    const encoder = new HpackEncoder();
    for (const bad of ["a\rb", "a\nb", "a\0", "\u{1f600}", "\u010a"]) {
      expect(() => encoder.encode("a", bad)).toThrow(MicroError);
      expect(() => encoder.encode(bad, "a")).toThrow(MicroError);
    }
    for (const bad of ["", "a b", "a:"]) expect(() => encoder.encode(bad, "a")).toThrow(MicroError);
    expect(() => encoder.encode("a", ["b", "c"] as unknown as string)).toThrow(MicroError);
  });
});
