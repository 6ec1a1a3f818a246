import { openScene } from "../open-scene.ts";
import { judged, type Row, SERVERS, within } from "../row.ts";

const BATCH = 16;

/** F21: acks out of order, twice, after another outcome, and of what belongs to another by now. */
export const untidyAcks: Row = {
  id: "F21",
  title: "untidy acks",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const lease = Math.min(1_000, scale.lease);
      const team = Array.from({ length: scale.consumers }, (_, number) => {
        const instance = `untidy-${number}`;
        const history = `${scene.folder}/${instance}.history`;
        const task = { agent: "worker", instance, history, seed: seed + number, lease, batch: BATCH, lapse: 10 };
        return scene.start("untidy", task);
      });
      await Promise.all(team.map((one) => one.says("ready")));
      const count = Math.min(20_000, scale.messages);
      const sender = scene.sender({
        name: "sender",
        to: "worker",
        until: count,
        largest: scale.largest,
        window: 64,
        rate: 0,
      });
      await sender.says("done");
      await scene.drain(2 * scale.lease + 3_000);
      const ended = team.filter((one) => one.isOver).map((one) => one.lines.slice(-5).join(" | "));
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      const lines = team.flatMap((one) => one.lines);
      const wrong = lines.filter((line) => line.startsWith("wrong"));
      result.figures["wrong answers"] = wrong.length;
      if (wrong[0] !== undefined) result.broken.push(`${wrong.length} wrong answers, such as: ${wrong[0]}`);
      if (ended[0] !== undefined) result.broken.push(`${ended.length} programs ended, such as one with ${ended[0]}`);
      const lapsed = lines.filter((line) => line.startsWith("lapsed"));
      result.figures["batches kept too long"] = lapsed.length;
      if (lapsed.length === 0) result.broken.push("no lease lapsed, so the row has shown nothing");
      const inbox = await (await scene.bus()).inboxes.get("worker");
      const { acknowledged = 0, "dead-lettered": rejected = 0 } = inbox?.ended ?? {};
      const acks = written.filter((event) => event.event === "ack" && event.step === "ok").length;
      result.figures["rejected"] = rejected;
      within(result, "ends too many or too few", Math.abs(acknowledged + rejected - count), 0);
      within(result, "confirmed acks that are not ends", Math.abs(acks - acknowledged), 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};
