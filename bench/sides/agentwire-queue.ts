import { defineAgent } from "../../src/index.ts";
import { measureQueue } from "../harness/measure-queue.ts";
import { LEVELS, levelOf } from "../harness/messages.ts";
import type { Queue } from "../harness/queue.ts";
import { type Side, type Task, textSetting } from "../harness/task.ts";
import { leftIn, openBus, payloads, Work } from "./agentwire-setup.ts";

/** Of all agents together. */
const CONCURRENCY = 256;

/** Our queue as a user has it: one bus that sends and agents that handle in turn, in one process; one agent unless `agents` says more. */
export async function agentwireQueue(task: Task): Promise<Queue> {
  const bus = await openBus(task, { history: task.settings["history"] === "on" });
  const payload = payloads(task);
  const { agents: count = 1 } = task.settings as { readonly agents?: number };
  const names = Array.from({ length: count }, (_, at) => `consumer-${at}`);
  const options = names.map((to) => LEVELS.map((priority) => ({ to, priority })));
  const optionsOf = (sequence: number) => options[sequence % count]![levelOf(Math.floor(sequence / count))]!;
  let handled = (_sequence: number): void => {};
  const concurrency = Math.ceil(CONCURRENCY / count);
  const agents = names.map((name) =>
    defineAgent({ name, concurrency, capacity: 10_000_000 }).on(Work, ({ payload: { sequence } }) => handled(sequence)),
  );
  // Known but away: what is sent before `start` waits for it.
  for (const agent of agents) await (await bus.join(agent)).leave();
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
      for (const agent of agents) await bus.join(agent);
    },
    settled: () => bus.settled(),
    remaining: () => leftIn(bus, names),
    close: () => bus.close(),
  };
}

/** Agentwire. Settings: `driver`, `phase`, `manner`, `history` (`on` or `off`), `agents`. */
export const agentwireQueueSide: Side = async (task) => {
  textSetting(task, "driver");
  return measureQueue(task, await agentwireQueue(task));
};
