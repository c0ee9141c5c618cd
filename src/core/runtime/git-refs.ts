import { isFullCommit, isShortCommit } from "#base/git-ref.ts";
import { MicroError } from "#base/error.ts";

/** A reference that a git server has. */
export interface GitRef {
  /** Whole: `refs/heads/main`. */
  readonly name: string;
  /** Of the commit, or of the tag that stands before it. */
  readonly object: string;
}

/** What a source asks for, as far as the server's references say. */
export type FoundRef =
  | { readonly kind: "reference"; readonly ref: GitRef }
  /** A whole commit: no question was needed. */
  | { readonly kind: "commit"; readonly object: string }
  /** The beginning of a commit that no reference shows. */
  | { readonly kind: "short"; readonly text: string };

/** Arguments of `git ls-remote` that list what may be meant, and little else. */
export function refPatterns(ref: string | undefined): readonly string[] {
  if (ref === undefined) return ["HEAD"];
  if (isShortCommit(ref)) return [];
  return ref.startsWith("refs/") ? [ref] : [`refs/tags/${ref}`, `refs/heads/${ref}`];
}

/**
 * What is meant by a ref: a tag, else a branch, else a commit, as git itself looks for it.
 *
 * @param output of `git ls-remote --symref`
 * @throws MicroError `not_found` that names the ref, `invalid_argument` for a short commit that several have.
 */
export function findRef(output: string, ref: string | undefined, url: string): FoundRef {
  const { refs, head } = parseRefs(output);
  if (ref === undefined) {
    const object = refs.find(({ name }) => name === "HEAD")?.object;
    if (object !== undefined) return { kind: "reference", ref: { name: head ?? "HEAD", object } };
    throw new MicroError("not_found", `${url} has no default branch; name a branch, a tag or a commit: @REF`);
  }
  for (const name of ref.startsWith("refs/") ? [ref] : [`refs/tags/${ref}`, `refs/heads/${ref}`]) {
    const found = refs.find((each) => each.name === name);
    if (found !== undefined) return { kind: "reference", ref: found };
  }
  if (isFullCommit(ref)) return { kind: "commit", object: ref.toLowerCase() };
  if (isShortCommit(ref)) return { kind: "short", text: ref.toLowerCase() };
  throw new MicroError("not_found", `${url} has no branch and no tag ${ref}`);
}

function parseRefs(output: string): { readonly refs: readonly GitRef[]; readonly head: string | undefined } {
  const lines = output.split("\n").map((line) => line.split("\t", 2));
  const head = lines.find(([target = "", name]) => target.startsWith("ref: ") && name === "HEAD")?.[0]?.slice(5);
  const refs = lines.flatMap(([object = "", name]) =>
    name !== undefined && isFullCommit(object) ? [{ name, object }] : [],
  );
  return { refs, head };
}
