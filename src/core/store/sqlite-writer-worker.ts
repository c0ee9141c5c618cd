import { MicroError } from "#base/error.ts";
import { GroupWriter } from "./group-writer.ts";
import { fromSqliteError } from "./sqlite-error.ts";
import { openStoreFile } from "./store-file.ts";
import type { WriterReply, WriterRequest } from "./writer-message.ts";

/**
 * The thread that writes a store file: the only one that waits for the disk. It keeps no queue of its own; the store
 * sends the next group when this one is on disk.
 */

declare const self: Worker;

/** What the thread holds between two requests. */
class WriterServer {
  #path = "";
  #writer: GroupWriter | undefined;

  answer(request: WriterRequest): WriterReply {
    try {
      return request.kind === "open" ? this.#open(request.path) : this.#serve(request);
    } catch (reason) {
      const error = fromSqliteError(reason, this.#path);
      return { kind: "failed", code: error.code === "internal" ? "internal" : "unavailable", detail: error.detail };
    }
  }

  #open(path: string): WriterReply {
    this.#path = path;
    this.#writer = new GroupWriter(openStoreFile(path));
    return { kind: "opened" };
  }

  #serve(request: Exclude<WriterRequest, { kind: "open" }>): WriterReply {
    if (this.#writer === undefined) throw new MicroError("unavailable", "the store file is not open");
    if (request.kind === "commit") {
      return { kind: "committed", ...this.#writer.commit(request.group, request.nowMs) };
    }
    if (request.kind === "purge") {
      return { kind: "purged", count: this.#writer.purge(request.countMax, request.nowMs) };
    }
    this.#writer.close();
    this.#writer = undefined;
    return { kind: "closed" };
  }
}

const server = new WriterServer();
self.addEventListener("message", (event: MessageEvent<WriterRequest>) => {
  self.postMessage(server.answer(event.data));
});
