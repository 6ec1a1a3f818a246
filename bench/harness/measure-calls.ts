import { inFlight } from "./in-flight.ts";
import { Ledger } from "./ledger.ts";
import { moment, pace } from "./moment.ts";
import type { Figures, Task } from "./task.ts";

/** Asks 256 at a time within one process; `rate` counts answers a second, `cpu` is what one costs. @throws Error when an answer is not to its question */
export async function measureCalls(
  task: Task,
  ask: (sequence: number) => Promise<{ readonly sequence: number }>,
): Promise<Figures> {
  const warm = Math.floor(task.count / 5);
  const ledger = new Ledger(task.count);
  const once = async (sequence: number): Promise<void> => {
    const answer = await ask(sequence);
    if (answer.sequence !== sequence) throw new Error(`question ${sequence} got the answer to ${answer.sequence}`);
    ledger.note(sequence);
  };
  await inFlight(0, warm, 256, once);
  const began = moment();
  await inFlight(warm, task.count, 256, once);
  const ended = moment();
  ledger.check();
  return pace(began, ended, task.count - warm);
}
