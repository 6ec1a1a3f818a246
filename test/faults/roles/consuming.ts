import { defineAgent } from "../../../src/index.ts";
import { HistoryWriter } from "../history-file.ts";
import { digestOf, Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a consumer is told to do. */
export interface ConsumerTask {
  readonly history: string;
  readonly agent: string;
  readonly instance: string;
  readonly concurrency: number;
  readonly prefetch?: number;
  readonly capacity?: number;
  /** Milliseconds. */
  readonly lease: number;
  /** Milliseconds that a handler takes at most; each takes a part of it. */
  readonly work: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeat?: number;
  /** Blocks the event loop for so long, once, with the hand-off of this number in this process. */
  readonly block?: { readonly after: number; readonly length: number };
  /** Ends this process at the hand-off of a key that ends so. */
  readonly exitAt?: string;
}

/** Handles messages and writes down each hand-off and each ack. */
export const consuming: Role<ConsumerTask> = async (task, around) => {
  const history = new HistoryWriter(task.history);
  const bus = await around.open(task.heartbeat === undefined ? {} : { heartbeat: task.heartbeat });
  const { agent: recipient, instance } = task;
  const keys = new Map<string, string>();
  let handOffs = 0;

  bus.events.on("message.acknowledged", ({ id }) => {
    const key = keys.get(id);
    keys.delete(id);
    if (key !== undefined) history.note({ event: "ack", step: "ok", key, recipient, instance });
  });

  const agent = defineAgent({
    name: task.agent,
    concurrency: task.concurrency,
    lease: task.lease,
    retry: { attempts: 50, backoff: "immediate" },
    ...(task.capacity === undefined ? {} : { capacity: task.capacity }),
    ...(task.prefetch === undefined ? {} : { prefetch: task.prefetch }),
  }).on(Job, async ({ id, payload }, context) => {
    const { key } = payload;
    keys.set(id, key);
    const { attempt, redelivered, signal } = context;
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
    if (task.exitAt !== undefined && key.endsWith(task.exitAt)) process.exit(9);
    handOffs++;
    if (task.block?.after === handOffs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.block.length);
    if (task.work > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * task.work));
    if (signal.aborted) {
      history.note({ event: "ack", step: "lost", key, recipient, instance });
      throw signal.reason;
    }
    history.note({ event: "ack", step: "invoke", key, recipient, instance });
  });

  await bus.join(agent);
  around.say("ready");
};
