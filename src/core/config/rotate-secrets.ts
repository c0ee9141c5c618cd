import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { SealedHolder } from "#interface/secret-sealer.ts";
import type { ConfigRecords } from "./config-records.ts";
import { mapSecrets, mapUndoSecrets, type SecretMapper } from "./map-secrets.ts";
import type { NamespaceTurns } from "./namespace-turns.ts";
import type { Secrets } from "./secrets.ts";

export interface RotationDeps {
  readonly records: ConfigRecords;
  readonly secrets: Secrets;
  readonly turns: NamespaceTurns;
  /** Others that seal with the same keys. */
  readonly holders: readonly SealedHolder[];
}

/**
 * Seals every secret with a new key and forgets the old ones. The old keys stay in the key file until nothing needs them,
 * so whatever ends this early leaves everything readable; the next rotation finishes it. Secrets whose key is nowhere
 * stay as they are: they are readable again when their key is put back.
 *
 * @returns how many secrets, those in the history included
 * @throws MicroError `conflict` when other processes keep writing with an old key; then nothing is forgotten.
 */
export async function rotateSecrets(deps: RotationDeps): Promise<number> {
  await deps.secrets.keys.add();
  // Changes that began before may still write what they sealed with the old key.
  await deps.turns.idle();
  let count = 0;
  for (let pass = 0; pass < passCountMax; pass += 1) {
    const renewed = await renewAll(deps);
    count += renewed;
    if (renewed > 0) continue;
    await deps.secrets.keys.dropOld();
    return count;
  }
  throw new MicroError("conflict", "secrets were written with an old key all the time: rotate again");
}

/** The second pass finds nothing unless another process wrote meanwhile. */
const passCountMax = 10;

async function renewAll({ records, secrets, turns, holders }: RotationDeps): Promise<number> {
  let count = 0;
  for (const holder of holders) {
    count += await holder.renewSecrets((place, sealed) => secrets.renew(place, sealed));
  }
  for (const namespace of await records.namespaces()) {
    const renewal = new Renewal(secrets, namespace);
    count += await turns.run(namespace, async () => {
      let inside = await retry(() => renewDocument(records, renewal));
      for (const revision of await records.undoRevisions(namespace)) {
        inside += await retry(() => renewUndo(records, renewal, revision));
      }
      return inside;
    });
  }
  return count;
}

async function renewDocument(records: ConfigRecords, renewal: Renewal): Promise<number> {
  const { value, storeRevision } = await records.read(renewal.namespace);
  if (value.root === undefined) return 0;
  const { tree, count } = renewal.run((map) => (value.root === undefined ? undefined : mapSecrets(value.root, map)));
  if (count > 0) await records.replace(renewal.namespace, { value: { ...value, root: tree }, storeRevision });
  return count;
}

async function renewUndo(records: ConfigRecords, renewal: Renewal, revision: number): Promise<number> {
  const found = await records.undo(renewal.namespace, revision);
  if (found === undefined) return 0;
  const { tree, count } = renewal.run((map) => mapUndoSecrets(found.value, map));
  if (count > 0) await records.replaceUndo(renewal.namespace, revision, { ...found, value: tree });
  return count;
}

/** Renews the secrets of one namespace, and counts those of one tree. */
class Renewal {
  readonly namespace: string;
  readonly #secrets: Secrets;

  constructor(secrets: Secrets, namespace: string) {
    this.#secrets = secrets;
    this.namespace = namespace;
  }

  run<T>(mapTree: (map: SecretMapper) => T): { readonly tree: T; readonly count: number } {
    let count = 0;
    const tree = mapTree((sealed, words) => {
      const next = this.#secrets.renew({ namespace: this.namespace, words }, sealed);
      if (next !== undefined) count += 1;
      return next ?? sealed;
    });
    return { tree, count };
  }
}

/** Another process may change the same record; then it is read anew. */
async function retry(work: () => Promise<number>): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (reason) {
      const isConflict = MicroError.is(reason) && reason.code === "conflict";
      if (!isConflict || attempt >= limits.configAttemptCountMax) throw reason;
    }
  }
}
