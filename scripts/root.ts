import { dirname } from "node:path";

/** Folder of the checkout. */
export const root: string = dirname(import.meta.dir);
