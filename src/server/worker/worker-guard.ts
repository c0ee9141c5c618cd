import { MicroError } from "#base/error.ts";
import { openApiPath } from "#gateway/openapi.ts";
import type { ServiceDirectory } from "#interface/registry.ts";
import type { CallGuard } from "#rpc/method.ts";
import type { ServerCall } from "#rpc/server-call.ts";

export interface WorkerGuardDeps {
  /** Decides by what this process knows. */
  readonly ask: CallGuard;
  /**
   * Decides by what the main process knows, and takes note of who was refused. Once it has answered, this process knows
   * what the main process knew.
   *
   * @throws MicroError the refusal.
   */
  readonly judge: (call: ServerCall) => Promise<void>;
  readonly directory: ServiceDirectory;
  readonly isCore: (service: string) => boolean;
}

/**
 * The guard of a worker. Most calls pass by what it knows itself. It refuses nothing on its own, and says of no service
 * that it is not there: what is news here may have been true for a moment already, so the main process has the last word,
 * and the audit log is there.
 */
export function createWorkerGuard({ ask, judge, directory, isCore }: WorkerGuardDeps): CallGuard {
  const appeal = async (call: ServerCall, reason: unknown): Promise<void> => {
    if (!isRefusal(reason) || call.path === openApiPath) throw reason;
    await judge(call);
    await ask(call);
  };
  const confirm = (call: ServerCall): void | Promise<void> => {
    const { service, endpoint, namespace, path } = call;
    if (path === openApiPath || isCore(service)) return;
    if (directory.endpoint(service, namespace, endpoint) !== undefined) return;
    // A service that publishes nothing is asked itself.
    if (directory.nodes(service, namespace).length > 0 && !directory.hasEndpoints(service, namespace)) return;
    return judge(call);
  };
  return (call) => {
    try {
      const asked = ask(call);
      if (asked === undefined) return confirm(call);
      return asked.then(
        () => confirm(call),
        (reason: unknown) => appeal(call, reason),
      );
    } catch (reason) {
      return appeal(call, reason);
    }
  };
}

function isRefusal(reason: unknown): boolean {
  return MicroError.is(reason) && (reason.code === "unauthenticated" || reason.code === "permission_denied");
}
