import type { Clock } from "#base/clock.ts";
import { MicroError } from "#base/error.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";
import { checkCreateOptions } from "./check-service.ts";
import type { Launcher } from "./launcher.ts";
import type { ServiceRecord } from "./service-record.ts";
import { parseSourceId } from "./source-record.ts";
import type { SourceStore } from "./source-store.ts";

export interface PrepareRecordDeps {
  readonly sources: SourceStore;
  readonly launcher: Launcher;
  readonly clock: Clock;
}

export interface AskedService {
  readonly key: ServiceKey;
  readonly source: string;
  /** The content to run, where that is settled; else what the source means now. */
  readonly sha256?: string;
  readonly options: CreateServiceOptions;
  readonly metadata: Metadata;
}

/**
 * What was asked for, as a record that can run: its source is here and holds something to run.
 *
 * @throws MicroError `invalid_argument` when it cannot, `unimplemented` for a kind of source that is not supported.
 */
export async function prepareRecord(deps: PrepareRecordDeps, asked: AskedService): Promise<ServiceRecord> {
  const { sourceNamespace, ...options } = checkCreateOptions(asked.options);
  const { namespace, name, version } = asked.key;
  const { source, metadata } = asked;
  const sha256 = asked.sha256 ?? (await findSource(deps.sources, asked, sourceNamespace ?? namespace));
  const revision = crypto.randomUUID();
  const updatedAtMs = deps.clock.now();
  const record = { namespace, name, version, source, sha256, revision, options, metadata, updatedAtMs };
  await deps.launcher.resolve(record);
  return record;
}

async function findSource(sources: SourceStore, { key, source }: AskedService, second: string): Promise<string> {
  if (source === "") throw new MicroError("invalid_argument", "the source is missing; name a folder: micro run FOLDER");
  const id = parseSourceId(source);
  if (id === undefined) {
    const detail = `source ${JSON.stringify(source)} is not an upload, which is the only kind of source so far`;
    throw new MicroError("unimplemented", detail);
  }
  for (const namespace of new Set([key.namespace, second])) {
    const sha256 = await sources.resolve({ namespace, ...id });
    if (sha256 !== undefined && sources.has(sha256)) return sha256;
  }
  throw new MicroError("invalid_argument", `source ${source} was not uploaded to namespace ${key.namespace}`);
}
