// Pulls messages one by one and writes down each hand-off and what became of each ack.
import { AgentwireError, connect, defineAgent } from "../../../src/index.ts";
import { HistoryWriter } from "../history-file.ts";
import { digestOf, Job } from "../roles/job.ts";

/** What a puller is told to do. */
export interface PullerTask {
  readonly url: string;
  readonly history: string;
  readonly agent: string;
  readonly instance: string;
  /** Milliseconds; not renewed, so `work` must be well below. */
  readonly lease: number;
  /** Milliseconds between hand-off and ack. */
  readonly work: number;
  /** Loops that pull at once. */
  readonly loops: number;
}

const task = JSON.parse(process.argv[2] as string) as PullerTask;
const history = new HistoryWriter(task.history);
const bus = await connect(task.url, { logger: false });
const { agent: recipient, instance } = task;
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
      const { attempt, redelivered } = delivery;
      history.note({
        event: "hand-off",
        key,
        recipient,
        instance,
        attempt,
        redelivered,
        digest: digestOf(delivery.message.payload),
        wall: Date.now(),
      });
      await new Promise((resolve) => setTimeout(resolve, task.work));
      history.note({ event: "ack", step: "invoke", key, recipient, instance });
      try {
        await delivery.ack();
        history.note({ event: "ack", step: "ok", key, recipient, instance });
      } catch (error) {
        const lost = AgentwireError.is(error, "LEASE_LOST");
        history.note({ event: "ack", step: lost ? "lost" : "unknown", key, recipient, instance });
        if (!lost) process.stdout.write(`error ${String(error)}\n`);
      }
    }
  }
}

await Promise.all(Array.from({ length: task.loops }, pull));
