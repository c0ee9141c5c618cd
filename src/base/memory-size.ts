import { MicroError } from "./error.ts";
import { KiB, MiB } from "./limits.ts";

const unitBytes: Readonly<Record<string, number>> = { KiB, MiB, GiB: 1_024 * MiB };

/** An amount of memory as people write it ("512MiB", "1.5 GiB"), in bytes. @throws MicroError `invalid_argument`. */
export function parseMemorySize(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([KMG]iB)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(amount) * (unitBytes[unit] ?? 0));
  if (bytes > 0) return bytes;
  const shown = text.slice(0, 40);
  throw new MicroError("invalid_argument", `"${shown}" is not an amount of memory; write it like 512MiB or 2GiB`);
}

/** The same for people: "512 MiB". */
export function formatMemorySize(bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`;
}
