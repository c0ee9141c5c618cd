import { MicroError } from "#base/error.ts";
import { isRecord } from "#base/json.ts";
import { limits } from "#base/limits.ts";

/** A file of a backup. */
export interface BackupFile {
  /** Part, `/`, and the path in it: `store/store.sqlite`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the content, hexadecimal. */
  readonly sha256: string;
  readonly isExecutable: boolean;
}

/** What stands at the beginning of a backup: everything that comes after it. */
export interface BackupManifest {
  /** Version of the server that made it. */
  readonly microVersion: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly files: readonly BackupFile[];
}

/** Name of the first entry of the archive. */
export const manifestName = "manifest.json";

const format = "micro-backup";
/** Grows when an older micro could not read the archive any more. */
const formatVersion = 1;

/** The manifest as it stands in the archive. @throws MicroError `payload_too_large` when there are too many files. */
export function encodeManifest(manifest: BackupManifest): Uint8Array {
  const text = JSON.stringify({
    format,
    format_version: formatVersion,
    micro_version: manifest.microVersion,
    created: new Date(manifest.createdAtMs).toISOString(),
    files: manifest.files.map(({ path, sizeBytes, sha256, isExecutable }) => ({
      path,
      size: sizeBytes,
      sha256,
      ...(isExecutable ? { executable: true } : {}),
    })),
  });
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= limits.backupManifestBytesMax) return bytes;
  throw new MicroError("payload_too_large", `${manifest.files.length} files are too many for one backup`);
}

/**
 * Reads a manifest and checks everything in it.
 *
 * @throws MicroError `invalid_argument` for one that is damaged, not ours, or of a later format.
 */
export function parseManifest(bytes: Uint8Array): BackupManifest {
  const value = parseJson(bytes);
  if (!isRecord(value) || value["format"] !== format) throw badBackup("its manifest is not one of micro");
  const version = value["format_version"];
  if (typeof version === "number" && version > formatVersion) {
    throw badBackup(`it has format ${version}, this micro reads ${formatVersion}: use a newer one`);
  }
  const { micro_version: microVersion, created, files } = value;
  const createdAtMs = typeof created === "string" ? Date.parse(created) : Number.NaN;
  if (version !== formatVersion || typeof microVersion !== "string" || Number.isNaN(createdAtMs)) {
    throw badBackup("its manifest is damaged");
  }
  if (!Array.isArray(files)) throw badBackup("its manifest is damaged");
  const manifest = { microVersion, createdAtMs, files: files.map(parseFile) };
  if (new Set(manifest.files.map(({ path }) => path)).size < manifest.files.length) {
    throw badBackup("its manifest names a file twice");
  }
  return manifest;
}

/** A failure of reading a backup; whoever knows the name of the file puts it before. */
export function badBackup(why: string): MicroError {
  return new MicroError("invalid_argument", `it is no backup that can be used: ${why}`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new MicroError("invalid_argument", badBackup("its manifest is damaged").detail, { cause });
  }
}

function parseFile(value: unknown): BackupFile {
  if (!isRecord(value)) throw badBackup("its manifest is damaged");
  const { path, size, sha256, executable } = value;
  const isWhole = typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
  if (typeof path !== "string" || !isWhole || typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw badBackup("its manifest is damaged");
  }
  return { path: requireInnerPath(path), sizeBytes: size, sha256, isExecutable: executable === true };
}

/** A path that stays inside the folder it is put under. @throws MicroError `invalid_argument` for any other. */
function requireInnerPath(path: string): string {
  const steps = path.split("/");
  const isPlain = steps.length > 1 && steps.every((step) => step !== "" && step !== "." && step !== "..");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (isPlain && !/[\\\u0000-\u001f]/.test(path) && path.length <= limits.backupPathBytesMax) return path;
  throw badBackup(`the path ${JSON.stringify(path.slice(0, 100))} leads outside, or is none`);
}
