import { resolvePath, type Route } from "./path-table.ts";

/** Paths that are remembered: more than an installation has, little enough that inventing paths fills no memory. */
const pathCountMax = 4_096;

/** The routes of paths that were asked for before. */
export class RouteCache {
  readonly #routes = new Map<string, Route>();

  /** The route of a path that was found before; undefined says nothing. */
  known(path: string): Route | undefined {
    return this.#routes.get(path);
  }

  /** The route of a clean path, or undefined where it is no call. */
  find(path: string): Route | undefined {
    const route = resolvePath(path);
    if (route === undefined) return undefined;
    if (this.#routes.size >= pathCountMax) this.#routes.clear();
    this.#routes.set(path, route);
    return route;
  }
}
