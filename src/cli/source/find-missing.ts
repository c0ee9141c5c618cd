import type { Session } from "#cli/connection/session.ts";
import { fieldsOf } from "#cli/service-answer.ts";
import type { ErrorCode } from "#base/error-code.ts";
import { MicroError } from "#base/error.ts";
import type { HashedFile } from "./hash-files.ts";

/** Codes of servers that do not know the question. */
const unknownCodes: ReadonlySet<ErrorCode> = new Set(["unimplemented", "not_found", "method_not_allowed"]);

/**
 * Hashes of the files that the server does not hold; undefined where it cannot tell.
 *
 * @throws MicroError of the server.
 */
export async function findMissing(
  session: Session,
  files: readonly HashedFile[],
): Promise<ReadonlySet<string> | undefined> {
  const sha256 = [...new Set(files.map((file) => file.sha256))];
  try {
    const answer = fieldsOf(await session.call("runtime", "Source.Check", { sha256 }));
    const missing = answer["missing"] ?? [];
    return Array.isArray(missing) ? new Set(missing.filter((each) => typeof each === "string")) : undefined;
  } catch (reason) {
    if (MicroError.is(reason) && unknownCodes.has(reason.code)) return undefined;
    throw reason;
  }
}
