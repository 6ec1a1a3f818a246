import { inFlight } from "./in-flight.ts";
import { Ledger } from "./ledger.ts";
import { type Moment, moment, pace } from "./moment.ts";
import type { Manner, Phase, Queue } from "./queue.ts";
import { type Figures, type Task, textSetting } from "./task.ts";

const WINDOW = 256;
const BULK = 100;

async function sendRange(queue: Queue, manner: Manner, from: number, to: number): Promise<void> {
  switch (manner) {
    case "one":
      for (let sequence = from; sequence < to; sequence++) await queue.send(sequence);
      return;
    case "w256":
      return inFlight(from, to, WINDOW, (sequence) => queue.send(sequence));
    case "bulk100":
      for (let start = from; start < to; start += BULK) {
        await queue.sendMany(Array.from({ length: Math.min(BULK, to - start) }, (_, at) => start + at));
      }
  }
}

/**
 * Runs one phase over a queue and returns its `rate` in messages a second, and `cpu`, the microseconds of processor
 * time that each message cost this process. A fifth of the messages is warm-up.
 * @throws Error when a message was lost, came twice or is left over
 */
export async function measureQueue(task: Task, queue: Queue): Promise<Figures> {
  const phase = textSetting(task, "phase") as Phase;
  const manner = textSetting(task, "manner") as Manner;
  const { count } = task;
  const warm = Math.floor(count / 5);
  const ledger = new Ledger(count);
  const handle = (sequence: number): void => ledger.note(sequence);
  let began: Moment | undefined;
  let ended: Moment;
  if (phase === "e2e") {
    await queue.start(handle);
    await sendRange(queue, manner, 0, warm);
    await ledger.reached(warm);
    await queue.settled();
    began = moment();
    await sendRange(queue, manner, warm, count);
    await ledger.reached(count);
    await queue.settled();
    ended = moment();
  } else if (phase === "send") {
    await sendRange(queue, manner, 0, warm);
    began = moment();
    await sendRange(queue, manner, warm, count);
    ended = moment();
    await queue.start(handle);
    await ledger.reached(count);
    await queue.settled();
  } else {
    await sendRange(queue, "bulk100", 0, count);
    await queue.start((sequence) => {
      handle(sequence);
      if (ledger.arrived === warm) began = moment();
    });
    await ledger.reached(count);
    await queue.settled();
    ended = moment();
  }
  ledger.check();
  const left = await queue.remaining();
  if (left !== 0) throw new Error(`${left} messages are left`);
  await queue.close();
  if (began === undefined) throw new Error("nothing was measured");
  return pace(began, ended, count - warm);
}
