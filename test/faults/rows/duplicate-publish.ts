import { failureCode } from "../failure-code.ts";
import { openScene } from "../open-scene.ts";
import { Job } from "../roles/job.ts";
import { judged, type Row, SAFE_LEASE, SERVERS, within } from "../row.ts";

/** F18: every key is sent three times: twice at once, and again by a process started later. */
export const duplicatePublish: Row = {
  id: "F18",
  title: "every key sent three times",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const count = Math.ceil(scale.messages / 10);
      const consumer = scene.consumer({
        agent: "worker",
        instance: "consumer-0",
        concurrency: 8,
        lease: SAFE_LEASE,
        work: 0,
      });
      await consumer.says("ready");
      const task = { name: "sender-0", to: "worker", until: count, largest: scale.largest, window: 64, rate: 0 };
      const first = scene.sender({ ...task, copies: 2 });
      const duplicates = Number((await first.says("done")).split(" ")[1]);
      await first.exited;
      const second = scene.sender({ ...task, repeat: true });
      const again = Number((await second.says("done")).split(" ")[1]);
      await scene.drain(2 * SAFE_LEASE + 3_000);
      const bus = await scene.bus();
      const stored = (await bus.inboxes.get("worker"))?.accepted ?? -1;
      const { verdict } = await scene.verdict();
      const result = judged(verdict);
      within(result, "stored beyond one each", Math.abs(stored - count), 0);
      within(result, "answers that should say duplicate and do not", Math.abs(2 * count - duplicates - again), 0);
      within(result, "duplicates", verdict.counts.duplicates, 0);
      // The same sender's name and key, with another payload.
      const other = await scene.busNamed("sender-0");
      const code = await failureCode(
        other.send(Job, { key: "sender-0-1", body: "another" }, { to: "worker", idempotencyKey: "sender-0-1" }),
      );
      if (code !== "ID_CONFLICT") result.broken.push(`another payload under a known key gave ${code}, not ID_CONFLICT`);
      return result;
    } finally {
      await scene.close();
    }
  },
};
