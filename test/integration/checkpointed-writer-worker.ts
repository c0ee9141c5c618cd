import { serveWriter } from "#sqlite/serve-writer.ts";
import { checkpointedFormat, NumberWriter } from "./number-writer.ts";

serveWriter(checkpointedFormat, (database) => new NumberWriter(database));
