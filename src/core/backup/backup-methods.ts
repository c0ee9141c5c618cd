import { Backup } from "#gen/backup/backup_pb.ts";
import { defaultNamespace } from "#interface/auth.ts";
import { requireNamespaceAdmin } from "#interface/namespace-access.ts";
import type { MethodImplementation } from "#rpc/method.ts";
import { protoMethods, type ProtoHandlers } from "#rpc/proto-service.ts";
import { BackupMaker, type BackupMakerDeps } from "./backup-maker.ts";
import type { OutgoingArchive } from "./write-archive.ts";

/** All methods of the core service `backup`, for its service table. */
export function backupMethods(deps: BackupMakerDeps): readonly MethodImplementation[] {
  return protoMethods(Backup, backupHandlers(new BackupMaker(deps)));
}

/** `backup.Backup`: for administrators of the installation, since a backup holds every namespace and every key. */
function backupHandlers(maker: BackupMaker): ProtoHandlers<typeof Backup> {
  return {
    create: async function* (_request, call) {
      requireNamespaceAdmin(call.account, defaultNamespace, call.endpoint);
      yield* maker.make(toMessages, call.signal);
    },
  };
}

async function* toMessages(archive: OutgoingArchive): AsyncGenerator<{ data: Uint8Array; size?: bigint }> {
  let isFirst = true;
  for await (const data of archive.pieces()) {
    yield isFirst ? { data, size: BigInt(archive.sizeBytes) } : { data };
    isFirst = false;
  }
}
