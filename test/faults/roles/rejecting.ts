import { defineAgent } from "../../../src/index.ts";
import { HistoryWriter } from "../history-file.ts";
import { digestOf, Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a rejecting consumer is told to do. */
export interface RejectingTask {
  readonly history: string;
  readonly agent: string;
  readonly instance: string;
  readonly concurrency: number;
  /** Milliseconds. */
  readonly lease: number;
  /** Rejects the messages whose number is a multiple of this. */
  readonly every: number;
}

/** Rejects the messages whose key says so, handles the others, and tells of the driver's faults. */
export const rejecting: Role<RejectingTask> = async (task, around) => {
  const history = new HistoryWriter(task.history);
  const bus = await around.open();
  const { agent: recipient, instance } = task;
  const keys = new Map<string, string>();

  bus.events.on("driver.fault", ({ details }) => around.say(`alert ${String(details?.["outcome"])}`));
  bus.events.on("message.acknowledged", ({ id }) => {
    const key = keys.get(id);
    if (key !== undefined) history.note({ event: "ack", step: "ok", key, recipient, instance });
  });

  await bus.join(
    defineAgent({ name: task.agent, concurrency: task.concurrency, lease: task.lease }).on(
      Job,
      ({ id, payload }, { attempt, redelivered, reject }) => {
        const { key } = payload;
        const digest = digestOf(payload);
        history.note({ event: "hand-off", key, recipient, instance, attempt, redelivered, digest, wall: around.now() });
        if (Number(key.split("-").at(-1)) % task.every === 0) reject("poison");
        keys.set(id, key);
        history.note({ event: "ack", step: "invoke", key, recipient, instance });
      },
    ),
  );
  around.say("ready");
};
