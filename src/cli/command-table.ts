import type { CommandNode } from "./command.ts";

/** A command as help lists it; its code is loaded when it runs. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  /** Left out of help. */
  readonly isHidden?: boolean;
  load(this: void): Promise<{ readonly command: CommandNode }>;
}

/** Every command, in the order of help. */
export const commandTable: readonly CommandEntry[] = [
  { name: "auth", summary: "Manage accounts, rules and tokens", load: () => import("./commands/auth.ts") },
  {
    name: "backup",
    summary: "Copy everything that the server keeps to a file",
    load: () => import("./commands/backup.ts"),
  },
  { name: "broker", summary: "Send and print messages", load: () => import("./commands/broker.ts") },
  { name: "call", summary: "Call an endpoint of a service", load: () => import("./commands/call.ts") },
  {
    name: "completion",
    summary: "Print a completion script for a shell",
    load: () => import("./commands/completion.ts"),
  },
  { name: "config", summary: "Read and change configuration", load: () => import("./commands/config.ts") },
  {
    name: "describe",
    summary: "Show a service: versions, nodes, endpoints",
    load: () => import("./commands/describe.ts"),
  },
  {
    name: "dev",
    summary: "Run the services of a folder, and anew when they change",
    load: () => import("./commands/dev.ts"),
  },
  { name: "env", summary: "Get and set environments", load: () => import("./commands/env.ts") },
  { name: "events", summary: "Publish, consume and read events", load: () => import("./commands/events.ts") },
  { name: "get", summary: "Get a resource, like a service", load: () => import("./commands/get.ts") },
  { name: "kill", summary: "Stop services and forget them", load: () => import("./commands/kill.ts") },
  { name: "login", summary: "Log in to the current environment", load: () => import("./commands/login.ts") },
  { name: "logout", summary: "Log out of the current environment", load: () => import("./commands/logout.ts") },
  {
    name: "logs",
    summary: "Show the output of services, and the log of the server",
    load: () => import("./commands/logs.ts"),
  },
  { name: "new", summary: "Create a service from a template", load: () => import("./commands/new.ts") },
  { name: "promote", summary: "Give a canary all calls of its service", load: () => import("./commands/promote.ts") },
  {
    name: "restart",
    summary: "Start the processes of a service anew",
    load: () => import("./commands/restart.ts"),
  },
  { name: "restore", summary: "Bring back what micro backup copied", load: () => import("./commands/restore.ts") },
  {
    name: "rollback",
    summary: "Go back to the version of a service before",
    load: () => import("./commands/rollback.ts"),
  },
  { name: "run", summary: "Run a service from a folder", load: () => import("./commands/run.ts") },
  { name: "scale", summary: "Set how many processes a service has", load: () => import("./commands/scale.ts") },
  { name: "server", summary: "Run the micro server", load: () => import("./commands/server.ts") },
  { name: "services", summary: "List the services of the registry", load: () => import("./commands/services.ts") },
  { name: "status", summary: "Show how services are", load: () => import("./commands/status.ts") },
  { name: "store", summary: "Read and write records and blobs", load: () => import("./commands/store.ts") },
  { name: "stream", summary: "Call a streaming endpoint of a service", load: () => import("./commands/stream.ts") },
  { name: "update", summary: "Replace a running service by new source", load: () => import("./commands/update.ts") },
  { name: "user", summary: "Show and change the current user", load: () => import("./commands/user.ts") },
  { name: "__worker", summary: "", isHidden: true, load: () => import("./commands/worker.ts") },
  { name: "__complete", summary: "", isHidden: true, load: () => import("./commands/complete.ts") },
];
