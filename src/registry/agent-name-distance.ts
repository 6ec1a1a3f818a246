/** Names suggested at most. */
const MOST = 3;
/** Longer names are not compared: it costs their length squared. */
const LONGEST = 128;

/** Up to 3 of the names that differ from `name` by few letters, nearest first. */
export function nearNames(name: string, names: Iterable<string>): string[] {
  const near: { readonly name: string; readonly distance: number }[] = [];
  const wanted = name.slice(0, LONGEST).toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  for (const other of names) {
    if (Math.abs(other.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, other.toLowerCase());
    if (distance <= limit) near.push({ name: other, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, MOST).map((found) => found.name);
}

/** Letters to add, drop, change, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(
        (last[column] as number) + 1,
        (next[column - 1] as number) + 1,
        (last[column - 1] as number) + same,
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, (beforeLast[column - 2] as number) + 1);
      next.push(best);
    }
    beforeLast = last;
    last = next;
  }
  return last[b.length] as number;
}
