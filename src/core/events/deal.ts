/**
 * Shares `count` things among takers in turn, as evenly as their room allows; each gets one piece of the row.
 *
 * @param rooms what each taker can take; together at least `count`.
 * @returns how many each gets.
 */
export function dealEvenly(count: number, rooms: readonly number[]): number[] {
  const shares = rooms.map(() => 0);
  let left = count;
  let open = rooms.map((_, index) => index).filter((index) => (rooms[index] ?? 0) > 0);
  while (left > 0 && open.length > 0) {
    const each = Math.ceil(left / open.length);
    for (const index of open) {
      const share = Math.min(each, left, (rooms[index] ?? 0) - (shares[index] ?? 0));
      shares[index] = (shares[index] ?? 0) + share;
      left -= share;
    }
    open = open.filter((index) => (shares[index] ?? 0) < (rooms[index] ?? 0));
  }
  return shares;
}
