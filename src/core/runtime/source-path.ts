import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";

/** File names longer than this are refused by every file system we run on. */
const segmentBytesMax = 255;
const encoder = new TextEncoder();

/**
 * A name inside a source as a clean relative path with `/`: `./a//b/` is `a/b`; the source's own root is ``.
 *
 * @throws MicroError `invalid_argument` for one that leaves the source (`..`, absolute), or that no file can have.
 */
export function cleanSourcePath(name: string): string {
  if (name.startsWith("/") || name.includes("\\") || /^[A-Za-z]:/.test(name)) {
    throw refused(name, "it must be relative to the source, with / between folders");
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw refused(name, "it holds a control character");
  const segments = name.split("/").filter((each) => each !== "" && each !== ".");
  if (segments.includes("..")) throw refused(name, "it leads out of the source");
  const path = segments.join("/");
  const isLong = segments.some((each) => encoder.encode(each).byteLength > segmentBytesMax);
  if (isLong || encoder.encode(path).byteLength > limits.sourcePathBytesMax) throw refused(name, "it is too long");
  return path;
}

function refused(name: string, why: string): MicroError {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return new MicroError(
    "invalid_argument",
    `the source holds a path that is refused: ${JSON.stringify(shown)}: ${why}`,
  );
}
