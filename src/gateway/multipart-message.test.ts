import { describe, expect, it } from "bun:test";
import type { Value } from "#interface/registry.ts";
import { readMultipartMessage } from "./multipart-message.ts";

const field = (name: string, type: string, values: readonly Value[] = []): Value => ({ name, type, values });
const type = field("Upload", "Upload", [
  field("title", "string"),
  field("count", "int32"),
  field("isPublic", "bool"),
  field("picture", "[]uint8"),
  field("pages", "[][]uint8"),
  field("note", "Note", [field("text", "string")]),
]);

async function read(form: FormData, query = "", schema: Value | undefined = type): Promise<unknown> {
  const request = new Response(form);
  const contentType = request.headers.get("content-type") ?? "";
  const body = new Uint8Array(await request.arrayBuffer());
  const bytes = await readMultipartMessage({ method: "POST", contentType, query, body, type: schema });
  return JSON.parse(new TextDecoder().decode(bytes));
}

function form(...fields: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[]): FormData {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, typeof value === "string" ? value : new File([value], "f.bin"));
  return data;
}

const bytes = new Uint8Array([0, 255, 13, 10, 45, 45]);

describe("readMultipartMessage()", () => {
  it("types fields by the schema, and writes files as base64", async () => {
    const sent = form(["title", "123"], ["count", "4"], ["isPublic", "true"], ["picture", bytes], ["note.text", "a"]);
    expect(await read(sent)).toEqual({
      title: "123",
      count: 4,
      isPublic: true,
      picture: Buffer.from(bytes).toString("base64"),
      note: { text: "a" },
    });
  });

  it("takes several files for a list", async () => {
    const sent = form(["pages", bytes], ["pages", new Uint8Array(0)], ["pages", bytes]);
    const base64 = Buffer.from(bytes).toString("base64");
    expect(await read(sent)).toEqual({ pages: [base64, "", base64] });
  });

  it("reads a file as text where the schema wants text, and as bytes where there is none", async () => {
    const digits = new TextEncoder().encode("1234");
    expect(await read(form(["title", digits], ["note.text", digits]))).toEqual({
      title: "1234",
      note: { text: "1234" },
    });
    // Base64 of these bytes looks like a number.
    const looksLikeNumber = new Uint8Array(Buffer.from("1234", "base64"));
    expect(await read(form(["data", looksLikeNumber]), "", undefined)).toEqual({ data: "1234" });
  });

  it("lays the form on the query", async () => {
    expect(await read(form(["title", "form"]), "title=query&count=2")).toEqual({ title: "form", count: 2 });
  });

  it("refuses names that are none", () => {
    expect(read(form(["a[", "x"]))).rejects.toThrow("is not a name of a form parameter");
  });
});
