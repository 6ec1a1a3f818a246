import type { WrittenEvent } from "../history-file.ts";
import { openScene } from "../open-scene.ts";
import { judged, type Row, SAFE_LEASE, SERVERS, within } from "../row.ts";

/** F2: a publisher is killed while it sends; started again, it repeats what was never answered. */
export const publisherKilled: Row = {
  id: "F2",
  title: "publisher killed while it sends",
  quick: true,
  on: ["sqlite", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const consumers = Array.from({ length: scale.consumers }, (_, number) =>
        scene.consumer({
          agent: "worker",
          instance: `consumer-${number}`,
          concurrency: 4,
          lease: SAFE_LEASE,
          work: 0,
        }),
      );
      await Promise.all(consumers.map((consumer) => consumer.says("ready")));
      const each = Math.ceil(scale.messages / scale.senders);
      // The messages last a little longer than the strikes.
      const rate = Math.ceil(each / (scale.strikes * 0.5 + 1));
      const sender = (number: number) =>
        scene.sender({
          name: `sender-${number}`,
          to: "worker",
          until: each,
          largest: scale.largest,
          window: 64,
          rate,
          priorities: true,
        });
      const team = Array.from({ length: scale.senders }, (_, number) => sender(number));
      let killed = 0;
      for (let strike = 0; strike < scale.strikes; strike++) {
        const at = Math.floor(scene.random() * team.length);
        await team[at]?.says("ready");
        await new Promise((resolve) => setTimeout(resolve, 50 + scene.random() * 400));
        if (!team[at]?.isOver) killed++;
        await team[at]?.kill();
        team[at] = sender(at);
      }
      await Promise.all(team.map((one) => one.says("done")));
      await scene.drain(2 * SAFE_LEASE + 3_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      result.figures["killed"] = killed;
      result.figures["answers missing at a kill"] = unanswered(written);
      within(result, "keys with two ids", twoIds(written), 0);
      within(result, "duplicates", verdict.counts.duplicates, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** Sends that were begun more than once, since the first was never answered. */
function unanswered(written: readonly WrittenEvent[]): number {
  const invoked = written.filter((event) => event.event === "send" && event.step === "invoke");
  return invoked.length - new Set(invoked.map((event) => event.key)).size;
}

function twoIds(written: readonly WrittenEvent[]): number {
  const ids = new Map<string, string>();
  const doubled = new Set<string>();
  for (const event of written) {
    if (event.id === undefined) continue;
    if ((ids.get(event.key) ?? event.id) !== event.id) doubled.add(event.key);
    ids.set(event.key, event.id);
  }
  return doubled.size;
}
