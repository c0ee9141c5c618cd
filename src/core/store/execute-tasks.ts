import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { Outcome, Task } from "#gen/store/store_pb.ts";
import { requireAccount } from "#interface/namespace-access.ts";
import type { StoreScope } from "#interface/store.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { AnswerRoom } from "./answer-room.ts";
import type { StoreTask, TaskOutcome } from "./store-task.ts";
import { origin, type StoreRight, type StoreTasks } from "./store-tasks.ts";

/**
 * Does the tasks of one call, each on its own. They are begun in the same turn of the event loop, so that their writes
 * share a commit.
 *
 * @throws MicroError `unauthenticated`, `payload_too_large` when there are too many.
 */
export async function executeTasks(
  does: StoreTasks,
  tasks: readonly StoreTask[],
  call: ServerCall,
): Promise<readonly TaskOutcome[]> {
  // Every task asks for its own right; who has no account may not even send none.
  requireAccount(call.account, origin(call));
  if (tasks.length > limits.storeTaskCountMax) {
    const detail = `a call takes at most ${limits.storeTaskCountMax} tasks, not ${tasks.length}`;
    throw new MicroError("payload_too_large", detail, { at: origin(call) });
  }
  const context: Context = { does, call, room: new AnswerRoom(call.encoding), access: new AccessOfCall(does, call) };
  return Promise.all(tasks.map((task) => runTask(task, context)));
}

interface Context {
  readonly does: StoreTasks;
  readonly call: ServerCall;
  readonly room: AnswerRoom;
  readonly access: AccessOfCall;
}

/** Whether the caller may, asked once for the tasks in a row that work with the same table. */
class AccessOfCall {
  readonly #does: StoreTasks;
  readonly #call: ServerCall;
  readonly #known: Partial<Record<StoreRight, StoreScope>> = {};

  constructor(does: StoreTasks, call: ServerCall) {
    this.#does = does;
    this.#call = call;
  }

  /** @throws MicroError as `StoreTasks.open`. */
  require(scope: StoreScope, right: StoreRight): void {
    if (this.#known[right] === scope) return;
    this.#does.open(scope, this.#call, right);
    this.#known[right] = scope;
  }
}

async function runTask(task: StoreTask, { does, call, room, access }: Context): Promise<TaskOutcome> {
  try {
    switch (task.kind) {
      case "read":
        access.require(task.scope, "read");
        return await does.readKey(task, call, room);
      case "write":
        access.require(task.scope, "write");
        return { kind: "written", revision: await does.put(task) };
      case "delete":
        access.require(task.scope, "write");
        await does.remove(task);
        return { kind: "deleted" };
      default:
        return { kind: "other", result: await runWork(task.work, { does, call, room }) };
    }
  } catch (reason) {
    const { httpStatus, detail } = MicroError.from(reason);
    return { kind: "failed", code: httpStatus, detail };
  }
}

async function runWork(work: Task["work"], { does, call, room }: Omit<Context, "access">): Promise<Outcome["result"]> {
  switch (work.case) {
    case "read":
      return { case: "read", value: await does.read(work.value, call, room) };
    case "write":
      return { case: "write", value: await does.write(work.value, call) };
    case "delete":
      return { case: "delete", value: await does.delete(work.value, call) };
    case "batch":
      return { case: "batch", value: await does.batch(work.value, call) };
    default:
      throw new MicroError("invalid_argument", "a task is a read, a write, a delete or a batch; this one is none");
  }
}
