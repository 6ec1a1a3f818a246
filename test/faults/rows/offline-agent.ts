import { openScene } from "../open-scene.ts";
import { judged, type Row, SERVERS, within } from "../row.ts";

const PREFETCH = 8;
const TTL = 1_500;
const EXPIRE_EVERY = 10;

/** F26: messages gather while an agent is away; it comes back, dies half way, and comes back again. */
export const offlineAgent: Row = {
  id: "F26",
  title: "messages for an agent that is away, and dies half way through them",
  quick: true,
  on: ["sqlite", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const count = Math.min(scale.messages, 10_000);
      const task = { agent: "worker", concurrency: 1, prefetch: PREFETCH, lease: scale.lease, work: 0 };
      const before = scene.consumer({ ...task, instance: "consumer-0" });
      await before.says("ready");
      before.signal("SIGTERM");
      await before.exited;
      const sender = scene.sender({
        name: "sender",
        to: "worker",
        until: count,
        largest: scale.largest,
        window: 64,
        rate: 0,
        ttl: TTL,
        expireEvery: EXPIRE_EVERY,
      });
      await sender.says("done");
      await new Promise((resolve) => setTimeout(resolve, TTL));
      // Not a multiple of EXPIRE_EVERY: this one is still valid.
      const half = Math.floor(count / 2) + 1;
      const first = scene.consumer({ ...task, instance: "consumer-1", exitAt: `-${half}` });
      await first.exited;
      const second = scene.consumer({ ...task, instance: "consumer-2" });
      await second.says("ready");
      await scene.drain(2 * scale.lease + 3_000);
      const { verdict, written } = await scene.verdict({ ordered: true });
      const result = judged(verdict);
      const handled = written.filter((event) => event.event === "hand-off");
      const expired = handled.filter((event) => Number(event.key.split("-").at(-1)) % EXPIRE_EVERY === 0).length;
      within(result, "expired ones handed off", expired, 0);
      within(result, "expired ones not reported", Math.abs(Math.ceil(count / EXPIRE_EVERY) - verdict.counts.ended), 0);
      within(result, "duplicates", verdict.counts.duplicates, PREFETCH);
      return result;
    } finally {
      await scene.close();
    }
  },
};
