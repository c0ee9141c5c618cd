import { serveWriter } from "#sqlite/serve-writer.ts";
import { logFormat } from "./log-format.ts";
import { LogWriter } from "./log-writer.ts";

/** The thread that writes the file of an event log. */
serveWriter(logFormat, (database) => new LogWriter(database));
