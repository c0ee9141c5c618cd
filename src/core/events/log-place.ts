import type { GroupPlace } from "./event-log.ts";

/**
 * A group's place in bytes: the floor, then the distance of each number to the one before it, seven bits a byte, the
 * lowest first, the top bit set where more follow. Ranges are close together, so most numbers take one byte.
 */
export function encodePlace({ floor, done }: GroupPlace): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const each of [floor, ...done]) {
    // Division and not shifts: places may be above 32 bits.
    for (let rest = each - before; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) {
        bytes.push(rest);
        break;
      }
      bytes.push((rest % 128) + 128);
    }
    before = each;
  }
  return Uint8Array.from(bytes);
}

/** The counterpart of `encodePlace`. */
export function decodePlace(bytes: Uint8Array): GroupPlace {
  const numbers: number[] = [];
  let before = 0;
  let distance = 0;
  let weight = 1;
  for (const byte of bytes) {
    distance += (byte % 128) * weight;
    weight *= 128;
    if (byte >= 128) continue;
    before += distance;
    numbers.push(before);
    distance = 0;
    weight = 1;
  }
  const [floor = 0, ...done] = numbers;
  return { floor, done };
}
