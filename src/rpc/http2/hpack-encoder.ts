import { MicroError } from "#base/error.ts";
import { headerValue, http2HeaderName } from "#rpc/header-syntax.ts";
import { staticIndexByName } from "./hpack-table.ts";

/** How a header begins that nobody on the way may keep. */
const neverIndexed = 0x10;
const secretNames: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);

/** Names that are kept: more than anybody uses, little enough that inventing names fills no memory. */
const nameCountMax = 1_024;

/**
 * Writes headers so that each stands for itself: no number names what was sent before, and so nothing that one call says
 * can be found out through the length of another. The block is a text with a character for each byte.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7541#section-6.2
 */
export class HpackEncoder {
  /** By name, what its headers begin with. */
  readonly #names = new Map<string, string>();

  /** @throws MicroError `invalid_argument` for what cannot be sent as a header. */
  encode(name: string, value: string): string {
    const prefix = this.#names.get(name) ?? this.#keepName(name);
    // What is no text, as programs without types may give, has another length than what is written of it.
    if (typeof value !== "string" || !headerValue.test(value)) throw unsendable(name);
    return prefix + encodeNumber(value.length, 7, 0) + value;
  }

  #keepName(name: string): string {
    const lower = name.toLowerCase();
    if (!http2HeaderName.test(lower)) throw unsendable(name);
    if (this.#names.size >= nameCountMax) this.#names.clear();
    const kind = secretNames.has(lower) ? neverIndexed : 0;
    const index = staticIndexByName.get(lower);
    const prefix =
      index === undefined
        ? encodeNumber(0, 4, kind) + encodeNumber(lower.length, 7, 0) + lower
        : encodeNumber(index, 4, kind);
    this.#names.set(name, prefix);
    return prefix;
  }
}

/** A number that begins in the last bits of a byte whose first are `kind`. */
function encodeNumber(number: number, prefixBits: number, kind: number): string {
  const prefixMax = (1 << prefixBits) - 1;
  if (number < prefixMax) return String.fromCharCode(kind | number);
  let text = String.fromCharCode(kind | prefixMax);
  let rest = number - prefixMax;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) text += String.fromCharCode((rest % 0x80) | 0x80);
  return text + String.fromCharCode(rest);
}

function unsendable(name: string): MicroError {
  const detail = `the metadata "${name.slice(0, 100)}" of the call cannot be sent as a header`;
  return new MicroError("invalid_argument", detail);
}
