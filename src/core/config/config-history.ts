import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ConfigRevision } from "#interface/config.ts";
import { takeBack } from "./change-tree.ts";
import type { ConfigDocument } from "./config-document.ts";
import { findNode, writeMask, writeNode, type ConfigNode, type JsonNode } from "./config-node.ts";
import { isRelated, parsePath, type Words } from "./config-path.ts";
import type { ConfigRecords } from "./config-records.ts";
import { parseJson } from "./parse-json.ts";

/** Entries of one read of the store. */
const pageCount = 20;

/** Changes that touched a path, newest first. */
export async function readHistory(
  records: ConfigRecords,
  { namespace, words, limit }: { readonly namespace: string; readonly words: Words; readonly limit: number },
): Promise<readonly ConfigRevision[]> {
  const countMax = limit === 0 ? limits.configHistoryCountMax : Math.min(limit, limits.configHistoryCountMax);
  const found: ConfigRevision[] = [];
  for (let before: number | undefined; ;) {
    const page = await records.entries(namespace, before, pageCount);
    found.push(...page.filter((entry) => concerns(entry, words)));
    before = page.at(-1)?.revision;
    if (page.length < pageCount || found.length >= countMax) return found.slice(0, countMax);
  }
}

/** What the history shows of a value: itself, secrets masked, or its size where it is big. */
export function toHistoryJson(shown: JsonNode): string {
  const json = writeNode(shown, writeMask);
  const bytes = Buffer.byteLength(json);
  return bytes <= limits.configHistoryValueBytesMax ? json : JSON.stringify(`[${bytes} bytes]`);
}

/**
 * What was in a document at one of the revisions that are kept.
 *
 * @throws MicroError `not_found` when it is not.
 */
export async function rootAt(
  records: ConfigRecords,
  namespace: string,
  { document, revision }: { readonly document: ConfigDocument; readonly revision: number },
): Promise<ConfigNode | undefined> {
  const kept = await records.undoRevisions(namespace);
  if (!kept.includes(revision)) throw notKept(namespace, revision, kept);
  let root = document.root;
  for (let each = document.revision; each > revision; each -= 1) {
    const undo = await records.undo(namespace, each);
    if (undo === undefined) throw notKept(namespace, revision, kept);
    root = takeBack(root, undo.value);
  }
  return root;
}

/** True for a change of the path, of something below it, or of something above that holds or held it. */
function concerns(entry: ConfigRevision, words: Words): boolean {
  const changed = parsePath(entry.path);
  if (!isRelated(changed, words)) return false;
  if (changed.length >= words.length || entry.json === undefined) return true;
  const value = parseJson(entry.json);
  return value.kind !== "object" || findNode(value, words.slice(changed.length)) !== undefined;
}

function notKept(namespace: string, revision: number, kept: readonly number[]): MicroError {
  const [first] = kept;
  const range = first === undefined ? "there is no history" : `kept are ${first} to ${kept.at(-1)}`;
  return new MicroError("not_found", `revision ${revision} of namespace ${namespace} is not kept: ${range}`);
}
