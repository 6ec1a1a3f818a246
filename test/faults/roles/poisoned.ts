import { defineAgent } from "../../../src/index.ts";
import { HistoryWriter } from "../history-file.ts";
import { digestOf, Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a poisoned consumer is told to do. The last part of a key says what its handler does. */
export interface PoisonedTask {
  readonly history: string;
  readonly agent: string;
  readonly instance: string;
  readonly concurrency: number;
  readonly attempts: number;
  /** Milliseconds. */
  readonly handlerTimeout: number;
  readonly lease: number;
}

/** Handles messages, some of which do the worst that a handler can do. */
export const poisoned: Role<PoisonedTask> = async (task, around) => {
  const history = new HistoryWriter(task.history);
  const bus = await around.open();
  const { agent: recipient, instance } = task;
  const keys = new Map<string, string>();

  bus.events.on("message.acknowledged", ({ id }) => {
    const key = keys.get(id);
    if (key !== undefined) history.note({ event: "ack", step: "ok", key, recipient, instance });
  });

  const agent = defineAgent({
    name: task.agent,
    concurrency: task.concurrency,
    lease: task.lease,
    handlerTimeout: task.handlerTimeout,
    retry: { attempts: task.attempts },
  }).on(Job, async ({ id, payload }, context) => {
    const { key } = payload;
    keys.set(id, key);
    const { attempt, redelivered } = context;
    history.note({
      event: "hand-off",
      key,
      recipient,
      instance,
      attempt,
      redelivered,
      digest: digestOf(payload),
      wall: around.now(),
    });
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
        history.note({ event: "ack", step: "invoke", key, recipient, instance });
    }
  });

  await bus.join(agent);
  around.say("ready");
};

function exhaust(): void {
  const hoard: number[][] = [];
  for (;;) hoard.push(new Array<number>(1_000_000).fill(hoard.length + 0.5));
}
