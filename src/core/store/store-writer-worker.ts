import { serveWriter } from "#sqlite/serve-writer.ts";
import { GroupWriter } from "./group-writer.ts";
import { storeFormat } from "./store-format.ts";

/** The thread that writes a store file. */
serveWriter(storeFormat, (database) => new GroupWriter(database));
