import { MicroError } from "./error.ts";

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A size as people write it in flags and files ("500MB", "2GiB", "1024"), in bytes. @throws MicroError `invalid_argument` */
export function parseByteSize(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?([a-z]*)$/i.exec(text);
  const unit = unitBytes[(match?.[2] ?? "").toLowerCase()];
  if (match !== null && unit !== undefined) return Math.round(Number(match[1]) * unit);
  throw new MicroError("invalid_argument", `"${text}" is not a size; write it like 500MB or 2GiB`);
}
