import { MicroError } from "#base/error.ts";
import { ExecuteRequestSchema, ExecuteResponseSchema, Store as StoreService } from "#gen/store/store_pb.ts";
import { implement, type MessageType, type MethodImplementation } from "#rpc/method.ts";
import { protoMessage } from "#rpc/proto-message.ts";
import { protoMethod } from "#rpc/proto-service.ts";
import { decodeTasks, toTask } from "./decode-tasks.ts";
import { encodeOutcomes, toOutcome } from "./encode-outcomes.ts";
import { executeTasks } from "./execute-tasks.ts";
import type { StoreTask, TaskOutcome } from "./store-task.ts";
import type { StoreTasks } from "./store-tasks.ts";

const request = protoMessage(ExecuteRequestSchema);
const response = protoMessage(ExecuteResponseSchema);

const input: MessageType<readonly StoreTask[]> = {
  name: request.name,
  value: request.value,
  fromJson: (json) => request.fromJson(json).tasks.map(toTask),
  toJson: unsupported,
  binary: { decode: decodeTasks, encode: unsupported },
};

const output: MessageType<readonly TaskOutcome[]> = {
  name: response.name,
  value: response.value,
  fromJson: unsupported,
  toJson: (outcomes) => response.toJson({ outcomes: outcomes.map(toOutcome) }),
  binary: { decode: unsupported, encode: encodeOutcomes },
};

const spec = { ...protoMethod(StoreService.method.execute), input, output };

/** `Store.Execute`, whose messages hold tens of thousands of tasks a second and so are read and written by hand. */
export function executeMethod(does: StoreTasks): MethodImplementation {
  return implement(spec, (tasks, call) => executeTasks(does, tasks, call));
}

/** A server reads requests and writes answers. */
function unsupported(): never {
  throw new MicroError("internal", "the server of the store does not do this");
}
