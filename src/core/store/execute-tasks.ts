import { MicroError } from "#base/error.ts";
import { limits } from "#base/limits.ts";
import type { ExecuteRequest, ExecuteResponse, Failure, Outcome, Task } from "#gen/store/store_pb.ts";
import type { ServerCall } from "#rpc/server-call.ts";
import { AnswerRoom } from "./answer-room.ts";
import { origin, type StoreTasks } from "./store-tasks.ts";

/**
 * Does the tasks of one call, each on its own. They are begun in the same turn of the event loop, so that their writes
 * share a commit.
 *
 * @throws MicroError `payload_too_large` when there are too many.
 */
export async function executeTasks(
  does: StoreTasks,
  { tasks }: ExecuteRequest,
  call: ServerCall,
): Promise<ExecuteResponse> {
  if (tasks.length > limits.storeTaskCountMax) {
    const detail = `a call takes at most ${limits.storeTaskCountMax} tasks, not ${tasks.length}`;
    throw new MicroError("payload_too_large", detail, { at: origin(call) });
  }
  const room = new AnswerRoom(call.encoding);
  const run = async (task: Task): Promise<Outcome> => {
    try {
      return { $typeName: "store.Outcome", result: await runTask(does, task, { call, room }) };
    } catch (reason) {
      const { httpStatus, detail } = MicroError.from(reason);
      const value: Failure = { $typeName: "store.Failure", code: httpStatus, detail };
      return { $typeName: "store.Outcome", result: { case: "failure", value } };
    }
  };
  return { $typeName: "store.ExecuteResponse", outcomes: await Promise.all(tasks.map(run)) };
}

async function runTask(
  does: StoreTasks,
  { work }: Task,
  { call, room }: { readonly call: ServerCall; readonly room: AnswerRoom },
): Promise<Outcome["result"]> {
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
