/**
 * The same items, read by one reader whose leaving calls `abort` at once. A generator alone would take notice only after
 * its next item, which may never come.
 */
export function abortOnReturn<T>(items: AsyncGenerator<T, void>, abort: () => void): AsyncIterableIterator<T> {
  return {
    next: () => items.next(),
    return: () => {
      abort();
      // Not awaited: the generator ends in its own time, and whoever left does not wait for it.
      items.return().catch(() => undefined);
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
