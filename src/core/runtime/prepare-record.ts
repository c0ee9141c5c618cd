import type { Clock } from "#base/clock.ts";
import type { Metadata } from "#base/metadata.ts";
import type { CreateServiceOptions, ServiceKey } from "#interface/runtime.ts";
import { checkCreateOptions } from "./check-service.ts";
import { parseUserEnv } from "./launch-environment.ts";
import type { Launcher } from "./launcher.ts";
import { readManifest } from "./read-manifest.ts";
import type { ServiceSecrets } from "./service-secrets.ts";
import type { ServiceRecord } from "./service-record.ts";
import {
  findSource,
  keepCredential,
  placedOptions,
  type FindSourceDeps,
  type SourceContent,
} from "./service-source.ts";

export interface PrepareRecordDeps extends FindSourceDeps {
  readonly secrets: Pick<ServiceSecrets, "keep">;
  readonly launcher: Launcher;
  readonly clock: Clock;
}

export interface AskedService {
  readonly key: ServiceKey;
  readonly source: string;
  /** The content to run, where that is settled; else what the source means now. */
  readonly content?: SourceContent;
  readonly options: CreateServiceOptions;
  readonly metadata: Metadata;
}

/**
 * What was asked for, as a record that can run: its source is here and holds something to run.
 *
 * @throws MicroError `invalid_argument` when it cannot, and as {@link findSource} does.
 */
export async function prepareRecord(deps: PrepareRecordDeps, asked: AskedService): Promise<ServiceRecord> {
  const { sourceNamespace, gitCredential, secrets = {}, ...given } = checkCreateOptions(asked.options);
  parseUserEnv(Object.entries(secrets).map(([name, value]) => `${name}=${value}`));
  const { key, source } = asked;
  const question = {
    key,
    source,
    asker: sourceNamespace ?? key.namespace,
    ...(gitCredential === undefined ? {} : { gitCredential }),
  };
  const content = asked.content ?? (await findSource(deps, question));
  const options = placedOptions(given, content.folder);
  const metadata = content.git === undefined ? asked.metadata : withoutSource(asked.metadata);
  const { namespace, name, version } = key;
  const revision = crypto.randomUUID();
  const updatedAtMs = deps.clock.now();
  const manifest = await readManifest(deps.sources.folder(content.sha256), options.entrypoint ?? "");
  const record = {
    namespace,
    name,
    version,
    ...content,
    revision,
    options,
    metadata,
    updatedAtMs,
    ...(manifest === undefined ? {} : { manifest }),
  };
  await deps.launcher.check(record);
  await keepCredential(deps, question);
  await deps.secrets.keep(key, secrets);
  return record;
}

/** What a client calls a source, which the repository tells better. */
function withoutSource({ source: _source, ...others }: Metadata): Metadata {
  return others;
}
