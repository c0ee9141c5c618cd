import { serveWriter } from "#sqlite/serve-writer.ts";
import { numberFormat, NumberWriter } from "./number-writer.ts";

serveWriter(numberFormat, (database) => new NumberWriter(database));
