import { defineAgent } from "../../../src/index.ts";
import { type Holder, HolderNotes } from "../holder-notes.ts";
import { Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a rejecting consumer is told to do. */
export interface RejectingTask extends Holder {
  readonly concurrency: number;
  /** Milliseconds. */
  readonly lease: number;
  /** Rejects the messages whose number is a multiple of this. */
  readonly every: number;
  /** Milliseconds that a handler takes; default 0. */
  readonly work?: number;
}

/** Rejects the messages whose key says so, handles the others, and tells of the driver's faults. */
export const rejecting: Role<RejectingTask> = async (task, around) => {
  const notes = new HolderNotes(task, around.now);
  const bus = await around.open();
  notes.follow(bus);
  bus.events.on("driver.fault", ({ details }) => around.say(`alert ${String(details?.["outcome"])}`));

  await bus.join(
    defineAgent({ name: task.agent, concurrency: task.concurrency, lease: task.lease }).on(
      Job,
      async (message, context) => {
        const { key } = message.payload;
        notes.handOff(message, context);
        if (task.work !== undefined) await new Promise((resolve) => setTimeout(resolve, task.work));
        if (Number(key.split("-").at(-1)) % task.every === 0) context.reject("poison");
        notes.ack(key, "invoke");
      },
    ),
  );
  around.say("ready");
};
