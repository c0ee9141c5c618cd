/** One word of the patterns that begin alike. */
interface TopicNode<T> {
  readonly children: Map<string, TopicNode<T>>;
  /** Of the pattern that ends here. */
  readonly items: Set<T>;
}

/**
 * Patterns of topics, word by word, so that a topic is compared with the patterns that begin like it and not with all.
 */
export class TopicTree<T> {
  readonly #root: TopicNode<T> = createNode();

  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }

  /** @param words of a pattern, `*` and `>` among them */
  add(words: readonly string[], item: T): void {
    let node = this.#root;
    for (const word of words) {
      const child = node.children.get(word) ?? createNode<T>();
      node.children.set(word, child);
      node = child;
    }
    node.items.add(item);
  }

  /** Takes the item out, and with it the nodes that held nothing else. */
  remove(words: readonly string[], item: T): void {
    const path: TopicNode<T>[] = [this.#root];
    for (const word of words) {
      const child = path.at(-1)?.children.get(word);
      if (child === undefined) return;
      path.push(child);
    }
    path.at(-1)?.items.delete(item);
    for (let depth = words.length; depth > 0; depth -= 1) {
      const node = path[depth];
      if (node === undefined || node.items.size > 0 || node.children.size > 0) return;
      path[depth - 1]?.children.delete(words[depth - 1] ?? "");
    }
  }

  /** Calls `visit` with each item whose pattern fits `topic`. */
  match(topic: string, visit: (item: T) => void): void {
    if (!this.isEmpty) matchFrom(this.#root, topic.split("."), 0, visit);
  }
}

function matchFrom<T>(node: TopicNode<T>, words: readonly string[], at: number, visit: (item: T) => void): void {
  const word = words[at];
  if (word === undefined) {
    node.items.forEach(visit);
    return;
  }
  node.children.get(">")?.items.forEach(visit);
  for (const next of [node.children.get(word), node.children.get("*")]) {
    if (next !== undefined) matchFrom(next, words, at + 1, visit);
  }
}

function createNode<T>(): TopicNode<T> {
  return { children: new Map(), items: new Set() };
}
