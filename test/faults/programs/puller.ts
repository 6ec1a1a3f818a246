// Pulls messages one by one and writes down each hand-off and what became of each ack.
import { AgentwireError, defineAgent } from "../../../src/index.ts";
import { connectAt } from "../connect-at.ts";
import { type Holder, HolderNotes } from "../holder-notes.ts";
import { Job } from "../roles/job.ts";
import type { Placed } from "../roles/role.ts";

/** What a puller is told to do. */
export interface PullerTask extends Holder {
  /** Milliseconds; not renewed, so `work` must be well below. */
  readonly lease: number;
  /** Milliseconds between hand-off and ack. */
  readonly work: number;
  /** Loops that pull at once. */
  readonly loops: number;
}

const task = JSON.parse(process.argv[2] as string) as Placed<PullerTask>;
const notes = new HolderNotes(task);
const bus = await connectAt(task);
const agent = await bus.join(
  defineAgent({ name: task.agent, receives: [Job], lease: task.lease, retry: { attempts: 50 } }),
);
process.stdout.write("ready\n");

// A stopped process can hold the lock of the file: then taking fails for a while, and is tried again.
async function receive(): ReturnType<typeof agent.receive<typeof Job>> {
  try {
    return await agent.receive({ wait: "1s" });
  } catch (error) {
    if (!AgentwireError.is(error) || !error.retryable) throw error;
    return [];
  }
}

async function pull(): Promise<void> {
  for (;;) {
    for (const delivery of await receive()) {
      const { key } = delivery.message.payload;
      notes.handOff(delivery.message, delivery);
      await new Promise((resolve) => setTimeout(resolve, task.work));
      notes.ack(key, "invoke");
      try {
        await delivery.ack();
        notes.ack(key, "ok");
      } catch (error) {
        const lost = AgentwireError.is(error, "LEASE_LOST");
        notes.ack(key, lost ? "lost" : "unknown");
        if (!lost) process.stdout.write(`error ${String(error)}\n`);
      }
    }
  }
}

await Promise.all(Array.from({ length: task.loops }, pull));
