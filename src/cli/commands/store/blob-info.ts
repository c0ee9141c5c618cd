import { CommandError } from "#cli/command-error.ts";
import { fieldsOf, numberOf, textOf } from "#cli/service-answer.ts";
import { MicroError } from "#base/error.ts";

/** What is known of a blob, as programs get to see it. */
export interface BlobFacts {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly content_type: string;
  readonly public: boolean;
  readonly sha256: string;
  /** ISO time of the write. */
  readonly modified: string;
}

/** Undefined where an answer has none. */
export function readBlobInfo(value: unknown): BlobFacts | undefined {
  const info = fieldsOf(value);
  const key = textOf(info["key"]);
  if (key === "") return undefined;
  return {
    key,
    size: numberOf(info["size"]),
    content_type: textOf(info["content_type"]),
    public: info["public"] === true,
    sha256: textOf(info["sha256"]),
    modified: new Date(numberOf(info["modified_ms"])).toISOString(),
  };
}

/** A missing blob is a plain failure of the command. */
export function refuseMissingBlob(reason: unknown): never {
  if (!MicroError.is(reason) || reason.code !== "not_found") throw reason;
  throw new CommandError("Not found", { code: "not_found", cause: reason });
}
