/** Milliseconds of the fastest of some runs: a busy machine slows down many of them, but seldom all. */
export function fastest(run: () => unknown, runs = 7): number {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < runs; at++) {
    const started = performance.now();
    run();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
