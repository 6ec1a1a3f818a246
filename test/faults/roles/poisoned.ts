import { defineAgent } from "../../../src/index.ts";
import { type Holder, HolderNotes } from "../holder-notes.ts";
import { Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a poisoned consumer is told to do. The last part of a key says what its handler does. */
export interface PoisonedTask extends Holder {
  readonly concurrency: number;
  readonly attempts: number;
  /** Milliseconds. */
  readonly handlerTimeout: number;
  readonly lease: number;
}

/** Handles messages, some of which do the worst that a handler can do. */
export const poisoned: Role<PoisonedTask> = async (task, around) => {
  const notes = new HolderNotes(task, around.now);
  const bus = await around.open();
  notes.follow(bus);

  const agent = defineAgent({
    name: task.agent,
    concurrency: task.concurrency,
    lease: task.lease,
    handlerTimeout: task.handlerTimeout,
    retry: { attempts: task.attempts },
  }).on(Job, async (message, context) => {
    const { key } = message.payload;
    notes.handOff(message, context);
    switch (key.split("/")[1]) {
      case "throw":
        throw new Error("poison");
      case "reject":
        return context.reject("poison");
      case "hang":
        return new Promise<void>(() => {});
      case "exit":
        return process.exit(1);
      case "memory":
        return exhaust();
      default:
        notes.ack(key, "invoke");
    }
  });

  await bus.join(agent);
  around.say("ready");
};

function exhaust(): void {
  const hoard: number[][] = [];
  for (;;) hoard.push(new Array<number>(1_000_000).fill(hoard.length + 0.5));
}
