/** Items of which the smallest comes first. */
export class MinHeap<T> {
  readonly #rank: (item: T) => number;
  /** A binary heap: the item at `i` ranks no higher than those at `2i+1` and `2i+2`. */
  readonly #items: T[] = [];

  /** @param rank must not change while the item is in the heap. */
  constructor(rank: (item: T) => number) {
    this.#rank = rank;
  }

  get size(): number {
    return this.#items.length;
  }

  /** All items, in no order; the heap must not change meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.#removeAt(0);
    return first;
  }

  /** Takes out an item wherever it is; looks at all of them. */
  remove(item: T): void {
    const index = this.#items.indexOf(item);
    if (index !== -1) this.#removeAt(index);
  }

  #removeAt(index: number): void {
    const last = this.#items.pop();
    if (last === undefined || index === this.#items.length) return;
    this.#items[index] = last;
    this.#sink(index);
    this.#rise(index);
  }

  #rise(start: number): void {
    for (let index = start; index > 0;) {
      const parent = (index - 1) >> 1;
      if (this.#rankAt(parent) <= this.#rankAt(index)) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #sink(start: number): void {
    for (let index = start; ;) {
      const left = 2 * index + 1;
      const least = this.#rankAt(left + 1) < this.#rankAt(left) ? left + 1 : left;
      if (this.#rankAt(least) >= this.#rankAt(index)) return;
      this.#swap(least, index);
      index = least;
    }
  }

  /** Behind the end nothing ranks lower. */
  #rankAt(index: number): number {
    const item = this.#items[index];
    return item === undefined ? Number.POSITIVE_INFINITY : this.#rank(item);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]];
    if (first === undefined || second === undefined) return;
    this.#items[a] = second;
    this.#items[b] = first;
  }
}
