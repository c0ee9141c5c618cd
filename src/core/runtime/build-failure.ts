import { stripStyles } from "./failure-reason.ts";

const textLengthMax = 300;
/** `main.go:3:5: …`, `src/index.ts(3,5): …`. */
const place = /^\S+\.\w+[:(]\d+[:,]\d+\)?:? /;
const telling =
  /(^|[\s:])(\w*Error|\w*Exception|error|fatal|panic)\b.*?[:!]|^npm (ERR!|error) \S|not found$|cannot find/i;
/** Lines of package managers that name an error without saying what it is. */
const noise =
  /^npm (ERR!|error) (code|errno|syscall|path|dest|command|signal|A complete log|\s*$)|^\s*at |^warn|^npm warn/i;

/**
 * The line of a build's output that says what went wrong: the first that looks like an error, since later ones mostly follow
 * from it; else the last one.
 */
export function findBuildError(lines: readonly string[]): string | undefined {
  const kept = lines.map((line) => stripStyles(line).trim()).filter((line) => line !== "" && !noise.test(line));
  const found = kept.find((line) => place.test(line) || telling.test(line)) ?? kept.at(-1);
  return found !== undefined && found.length > textLengthMax ? `${found.slice(0, textLengthMax)}…` : found;
}
