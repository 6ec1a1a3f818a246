import { quantile } from "./statistics.ts";
import type { Figures, Task } from "./task.ts";

/** So long nothing happens before each round trip: the engines are idle. */
const PAUSE = 2;

/** Lets the machine be idle for a moment. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}

/** Milliseconds that one call took. */
export async function timed(call: () => Promise<unknown> | void): Promise<number> {
  const began = performance.now();
  await call();
  return performance.now() - began;
}

/** Asks one thing after the other with a pause before each; `p50` and `p99` in milliseconds. @throws Error on an answer to another question */
export async function measureRoundTrips(
  task: Task,
  ask: (sequence: number) => Promise<{ readonly sequence: number }>,
): Promise<Figures> {
  const warm = Math.floor(task.count / 5);
  const times: number[] = [];
  for (let sequence = 0; sequence < task.count; sequence++) {
    await pause();
    const time = await timed(async () => {
      const answer = await ask(sequence);
      if (answer.sequence !== sequence) throw new Error(`question ${sequence} got the answer to ${answer.sequence}`);
    });
    if (sequence >= warm) times.push(time);
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
