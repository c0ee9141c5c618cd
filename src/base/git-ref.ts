/** Longest ref that is taken: beyond it no host keeps one. */
const refLengthMax = 250;

/**
 * Whether a text may be a branch, a tag or a commit, by git's own rules. One that begins with a dash never is: git would
 * take it for an option.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function isGitRef(text: string): boolean {
  if (text === "" || text === "@" || text.length > refLengthMax || text.startsWith("-")) return false;
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(text) || /\.\.|@\{|\/\//.test(text)) return false; // oxlint-disable-line no-control-regex -- control characters are what is looked for
  return (
    !text.endsWith(".") &&
    text.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"))
  );
}

/** Whether a text is a whole commit: 40 hexadecimal digits, or 64 in repositories that use SHA-256. */
export function isFullCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text);
}

/** Whether a text may be the beginning of a commit. Fewer than seven digits say too little. */
export function isShortCommit(text: string): boolean {
  return /^[0-9a-f]{7,63}$/i.test(text) && !isFullCommit(text);
}
