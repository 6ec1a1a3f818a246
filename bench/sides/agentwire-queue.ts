import { defineAgent } from "../../src/index.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import { type Side, type Task, textSetting } from "../harness/task.ts";
import { leftIn, openBus, payloads, Work } from "./agentwire-setup.ts";

const NAME = "consumer";
const CONCURRENCY = 256;

/** Our queue as a user has it: one bus that sends and one agent that handles, in one process. */
export async function agentwireQueue(task: Task): Promise<Queue> {
  const bus = await openBus(task, { history: task.settings["history"] === "on" });
  const payload = payloads(task);
  const options = LEVELS.map((priority) => ({ to: NAME, priority }));
  const optionsOf = (sequence: number) => options[levelOf(sequence)]!;
  let handled = (_sequence: number): void => {};
  const agent = defineAgent({ name: NAME, concurrency: CONCURRENCY, capacity: 10_000_000 }).on(
    Work,
    ({ payload: { sequence } }) => handled(sequence),
  );
  // Known but away: what is sent before `start` waits for it.
  const first = await bus.join(agent);
  await first.leave();
  return {
    send: (sequence) => bus.send(Work, payload(sequence), optionsOf(sequence)),
    async sendMany(sequences) {
      const results = await bus.sendMany(
        sequences.map((sequence) => Work.message(payload(sequence), optionsOf(sequence))),
      );
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
    async start(handle) {
      handled = handle;
      await bus.join(agent);
    },
    settled: () => bus.settled(),
    remaining: () => leftIn(bus, NAME),
    close: () => bus.close(),
  };
}

/** Agentwire. Settings: `driver`, `phase`, `manner`, `history` (`on` or `off`). */
export const agentwireQueueSide: Side = async (task) => {
  textSetting(task, "driver");
  return measureQueue(task, await agentwireQueue(task));
};
