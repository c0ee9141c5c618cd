/** What a peer lets one of our streams send, in bytes since it was opened. */
interface Allowance {
  /** By the rules of HTTP/2. */
  due: number;
  /** In Bun's books. */
  booked: number;
}

const headerBytes = 9;
const settingBytes = 6;
const frameTypes = { settings: 4, windowUpdate: 8 } as const;
const ackFlag = 1;
const initialWindowSetting = 4;
const defaultWindowBytes = 65_535;
const windowBytesMax = 2 ** 31 - 1;

/**
 * Reads along what a peer sends on one HTTP/2 connection, and adds what Bun needs to be told in order to count right.
 *
 * A peer that raises SETTINGS_INITIAL_WINDOW_SIZE lets each open stream send so much more (RFC 9113, 6.9.2). Bun 1.4.5 lets it
 * send the new size in all instead, so a stream that had got as much by WINDOW_UPDATE gets nothing. Clients of grpc-go raise it
 * as soon as they find their connection fast, and then wait for a quarter of the new size: streams to them stood still for
 * good. Each stream gets what is missing by a WINDOW_UPDATE that is put in behind the SETTINGS.
 */
export class PeerWindows {
  readonly #allowances = new Map<number, Allowance>();
  readonly #open = new Set<number>();
  #lastOpened = 0;
  #initialBytes = defaultWindowBytes;
  /** Bytes to pass over: the preface, or the rest of a frame that says nothing here. */
  #skipCount: number;
  /** What is being gathered: a frame's header, one setting, or the increment of a WINDOW_UPDATE. */
  readonly #part = new DataView(new ArrayBuffer(headerBytes));
  #partLength = 0;
  #state: "header" | "setting" | "increment" = "header";
  #streamId = 0;
  /** Bytes of the SETTINGS that are still to come, and the size that they have named so far. */
  #settingsLeft = 0;
  #namedBytes: number | undefined;

  /** @param prefaceBytes what comes before the first frame: 24 of a client, none of a server. */
  constructor(prefaceBytes: number) {
    this.#skipCount = prefaceBytes;
  }

  /** A stream is open. */
  begin(streamId: number): void {
    this.#open.add(streamId);
    this.#lastOpened = Math.max(this.#lastOpened, streamId);
  }

  /** A stream is over, and what comes for it is of no interest. */
  end(streamId: number): void {
    this.#open.delete(streamId);
    this.#allowances.delete(streamId);
  }

  /** Takes the next bytes of the peer. Returns what Bun is to be given in their place. */
  read(chunk: Uint8Array): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let from = 0;
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#skipCount > 0) {
        const count = Math.min(this.#skipCount, chunk.byteLength - at);
        this.#skipCount -= count;
        at += count;
        continue;
      }
      at = this.#gather(chunk, at);
      const missing = this.#partLength === this.#wanted ? this.#takePart() : undefined;
      if (missing === undefined) continue;
      pieces.push(chunk.subarray(from, at), missing);
      from = at;
    }
    if (from === 0) return [chunk];
    if (from < chunk.byteLength) pieces.push(chunk.subarray(from));
    return pieces;
  }

  get #wanted(): number {
    if (this.#state === "header") return headerBytes;
    return this.#state === "setting" ? settingBytes : 4;
  }

  #gather(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.byteLength, at + this.#wanted - this.#partLength);
    for (let index = at; index < end; index += 1) this.#part.setUint8(this.#partLength++, chunk[index] ?? 0);
    return end;
  }

  /** What was gathered is whole. Returns frames to put in behind it. */
  #takePart(): Uint8Array | undefined {
    this.#partLength = 0;
    if (this.#state === "setting") return this.#takeSetting();
    if (this.#state === "increment") this.#takeIncrement();
    else this.#takeHeader();
    return undefined;
  }

  #takeHeader(): void {
    const length = this.#part.getUint32(0) >>> 8;
    const type = this.#part.getUint8(3);
    this.#streamId = this.#part.getUint32(5) & windowBytesMax;
    if (type === frameTypes.windowUpdate && length === 4 && this.#streamId !== 0) {
      this.#state = "increment";
      return;
    }
    const isSettings = type === frameTypes.settings && (this.#part.getUint8(4) & ackFlag) === 0;
    // Frames of a length that they may not have are Bun's to refuse.
    if (isSettings && length > 0 && length % settingBytes === 0) {
      this.#state = "setting";
      this.#settingsLeft = length;
      this.#namedBytes = undefined;
      return;
    }
    this.#skipCount = length;
  }

  #takeIncrement(): void {
    this.#state = "header";
    const id = this.#streamId;
    // One that is not known yet is open for the peer already.
    if (id <= this.#lastOpened && !this.#open.has(id)) return;
    const bytes = this.#part.getUint32(0) & windowBytesMax;
    const allowance = this.#allowances.get(id);
    if (allowance === undefined) {
      this.#allowances.set(id, { due: this.#initialBytes + bytes, booked: this.#initialBytes + bytes });
      return;
    }
    allowance.due += bytes;
    allowance.booked += bytes;
  }

  #takeSetting(): Uint8Array | undefined {
    if (this.#part.getUint16(0) === initialWindowSetting) this.#namedBytes = this.#part.getUint32(2);
    this.#settingsLeft -= settingBytes;
    if (this.#settingsLeft > 0) return undefined;
    this.#state = "header";
    const named = this.#namedBytes;
    return named === undefined || named > windowBytesMax ? undefined : this.#changeInitial(named);
  }

  #changeInitial(initialBytes: number): Uint8Array | undefined {
    const raisedBytes = initialBytes - this.#initialBytes;
    this.#initialBytes = initialBytes;
    const missing: number[] = [];
    for (const [id, allowance] of this.#allowances) {
      allowance.due += raisedBytes;
      allowance.booked = Math.max(allowance.booked, initialBytes);
      if (allowance.due <= allowance.booked) continue;
      missing.push(id, allowance.due - allowance.booked);
      allowance.booked = allowance.due;
    }
    return missing.length === 0 ? undefined : windowUpdates(missing);
  }
}

/** @param pairs stream and bytes in turn. */
function windowUpdates(pairs: readonly number[]): Uint8Array {
  const size = headerBytes + 4;
  const frames = new DataView(new ArrayBuffer((pairs.length / 2) * size));
  for (let index = 0; index < pairs.length; index += 2) {
    const at = (index / 2) * size;
    frames.setUint32(at, (4 << 8) | frameTypes.windowUpdate);
    frames.setUint32(at + 5, pairs[index] ?? 0);
    frames.setUint32(at + headerBytes, pairs[index + 1] ?? 0);
  }
  return new Uint8Array(frames.buffer);
}
