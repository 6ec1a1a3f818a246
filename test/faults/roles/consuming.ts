import { defineAgent } from "../../../src/index.ts";
import { type Holder, HolderNotes } from "../holder-notes.ts";
import { Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What a consumer is told to do. */
export interface ConsumerTask extends Holder {
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
  const notes = new HolderNotes(task, around.now);
  const bus = await around.open(task.heartbeat === undefined ? {} : { heartbeat: task.heartbeat });
  notes.follow(bus);
  let handOffs = 0;

  const agent = defineAgent({
    name: task.agent,
    concurrency: task.concurrency,
    lease: task.lease,
    retry: { attempts: 50, backoff: "immediate" },
    ...(task.capacity === undefined ? {} : { capacity: task.capacity }),
    ...(task.prefetch === undefined ? {} : { prefetch: task.prefetch }),
  }).on(Job, async (message, context) => {
    const { key } = message.payload;
    const { signal } = context;
    notes.handOff(message, context);
    if (task.exitAt !== undefined && key.endsWith(task.exitAt)) process.exit(9);
    handOffs++;
    if (task.block?.after === handOffs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.block.length);
    if (task.work > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * task.work));
    if (signal.aborted) {
      notes.ack(key, "lost");
      throw signal.reason;
    }
    notes.ack(key, "invoke");
  });

  await bus.join(agent);
  around.say("ready");
};
