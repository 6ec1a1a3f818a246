/** Calls `send` for every number of the range, so many awaited at a time. */
export async function inFlight(
  from: number,
  to: number,
  window: number,
  send: (sequence: number) => Promise<unknown> | void,
): Promise<void> {
  let next = from;
  async function lane(): Promise<void> {
    while (next < to) await send(next++);
  }
  await Promise.all(Array.from({ length: Math.min(window, to - from) }, lane));
}
