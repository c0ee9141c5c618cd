/**
 * Sequences that are ordered by `keyOf` as one that is, read as it is asked for. What is equal comes in the order of the
 * sequences. A reader that leaves ends them all.
 */
export async function* mergeSorted<T>(
  sequences: readonly AsyncIterable<T>[],
  keyOf: (item: T) => number,
): AsyncGenerator<T> {
  const iterators = sequences.map((each) => each[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map((each) => each.next()));
    for (;;) {
      let first = -1;
      let firstKey = Infinity;
      for (const [index, head] of heads.entries()) {
        if (head.done === true) continue;
        const key = keyOf(head.value);
        if (first !== -1 && key >= firstKey) continue;
        [first, firstKey] = [index, key];
      }
      const [head, iterator] = [heads[first], iterators[first]];
      if (head === undefined || head.done === true || iterator === undefined) return;
      yield head.value;
      heads[first] = await iterator.next();
    }
  } finally {
    await Promise.all(iterators.map(async (each) => each.return?.()));
  }
}
