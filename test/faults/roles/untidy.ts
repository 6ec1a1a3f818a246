import type { Delivery } from "../../../src/agent/pulled-delivery.ts";
import { AgentwireError, defineAgent } from "../../../src/index.ts";
import { seededRandom } from "../../../src/testing/seeded-random.ts";
import { failureCode } from "../failure-code.ts";
import { type Holder, HolderNotes } from "../holder-notes.ts";
import { Job } from "./job.ts";
import type { Role } from "./role.ts";

/** What an untidy puller is told to do. */
export interface UntidyTask extends Holder {
  readonly seed: number;
  /** Milliseconds; nothing renews it. */
  readonly lease: number;
  /** Deliveries that it has in hand at once. */
  readonly batch: number;
  /** Keeps every so many-th batch until its leases have lapsed. */
  readonly lapse: number;
}

type Held = Delivery<typeof Job>;

/** Pulls batches and acks them out of order, twice, after a retry, a reject and a lapsed lease; tells of every wrong answer. */
export const untidy: Role<UntidyTask> = async (task, around) => {
  const notes = new HolderNotes(task, around.now);
  const random = seededRandom(task.seed);
  const bus = await around.open();
  const { agent: name, lease } = task;
  const worker = await bus.join(
    defineAgent({ name, receives: [Job], lease, retry: { attempts: 50, backoff: "immediate" } }),
  );
  let batches = 0;
  around.say("ready");

  const expectCode = async (what: string, expected: string, call: Promise<void>): Promise<void> => {
    const code = await failureCode(call);
    if (code !== expected) around.say(`wrong ${what} gave ${code}, not ${expected}`);
  };

  const ack = async (delivery: Held): Promise<void> => {
    const { key } = delivery.message.payload;
    notes.ack(key, "invoke");
    const [first, second] = [delivery.ack(), delivery.ack()];
    try {
      await first;
      notes.ack(key, "ok");
    } catch (error) {
      const lost = AgentwireError.is(error, "LEASE_LOST");
      notes.ack(key, lost ? "lost" : "unknown");
      if (!lost) around.say(`wrong an ack gave ${String(error)}`);
    }
    await expectCode("a second ack at once", "none", second);
    await expectCode("a retry after the ack", "none", delivery.retry({ delay: 0 }));
    await expectCode("a reject after the ack", "none", delivery.reject("late"));
    await expectCode("a lease after the ack", "LEASE_LOST", delivery.extend(1_000));
  };

  // On a busy machine a lease can lapse before it is meant to.
  const unlessLost = async (call: Promise<void>): Promise<void> => {
    const code = await failureCode(call);
    if (code !== "none" && code !== "LEASE_LOST") around.say(`wrong a settle gave ${code}`);
  };

  const mistreat = async (delivery: Held): Promise<void> => {
    const choice = random();
    if (choice < 0.2) {
      await unlessLost(delivery.retry({ delay: 0 }));
      await expectCode("an ack after the retry", "none", delivery.ack());
    } else if (choice < 0.3) {
      await unlessLost(delivery.reject("untidy"));
      await expectCode("an ack after the reject", "none", delivery.ack());
    } else await ack(delivery);
  };

  const pull = async (): Promise<void> => {
    for (;;) {
      let held: Held[];
      try {
        held = await worker.receive({ limit: task.batch, wait: "1s" });
      } catch (error) {
        if (AgentwireError.is(error, "CLOSED")) return;
        throw error;
      }
      for (const delivery of held) notes.handOff(delivery.message, delivery);
      if (held.length > 0 && ++batches % task.lapse === 0) {
        await new Promise((resolve) => setTimeout(resolve, lease + 50));
        for (const { message } of held) notes.ack(message.payload.key, "invoke");
        for (const delivery of held) {
          const { key } = delivery.message.payload;
          await expectCode("an ack of what belongs to another", "LEASE_LOST", delivery.ack());
          notes.ack(key, "lost");
          await expectCode("a second one", "none", delivery.ack());
        }
        around.say(`lapsed ${held.length}`);
        continue;
      }
      held.sort(() => random() - 0.5);
      await Promise.all(held.map(mistreat));
      if (held.length > 0) around.say(`settled ${held.length}`);
    }
  };
  void pull();
};
