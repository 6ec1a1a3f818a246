import { openScene } from "../open-scene.ts";
import { judged, type Row, SERVERS, within } from "../row.ts";

/** F7: a consumer is stopped for longer than its lease and then goes on, with handlers and by pull. */
export const consumerStopped: Row = {
  id: "F7",
  title: "consumer stopped for longer than its lease",
  quick: true,
  on: ["sqlite", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const strikes = Math.min(scale.strikes, 6);
      const stop = 3 * scale.lease;
      // Pulled one by one, each with a commit of its own: more would only take longer.
      const each = Math.min(10_000, Math.ceil(scale.messages / 2));
      const rate = Math.ceil(each / ((strikes * (stop + 700)) / 1_000));
      // Half of what four at once can do, so that something is in hand at every stop.
      const work = Math.max(1, Math.min(30, 2_000 / rate));
      const pullers = Array.from({ length: 2 }, (_, number) =>
        scene.start("puller", {
          history: `${scene.folder}/puller-${number}.history`,
          agent: "pulling",
          instance: `puller-${number}`,
          lease: scale.lease,
          work,
          loops: 4,
        }),
      );
      const consumers = Array.from({ length: scale.consumers }, (_, number) =>
        scene.consumer({
          agent: "worker",
          instance: `consumer-${number}`,
          concurrency: 4,
          lease: scale.lease,
          work: 2 * work,
        }),
      );
      const team = [...pullers, ...consumers];
      await Promise.all(team.map((one) => one.says("ready")));
      const senders = ["worker", "pulling"].map((to, number) =>
        scene.sender({ name: `sender-${number}`, to, until: each, largest: scale.largest, window: 16, rate }),
      );
      await Promise.all(senders.map((sender) => sender.says("ready")));
      for (let strike = 0; strike < strikes; strike++) {
        await new Promise((resolve) => setTimeout(resolve, 200 + scene.random() * 500));
        // One of each kind, so that another of the kind can take over.
        const victims = [pullers[strike % 2], consumers[strike % consumers.length]];
        for (const victim of victims) victim?.signal("SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, stop));
        for (const victim of victims) victim?.signal("SIGCONT");
      }
      await Promise.all(senders.map((sender) => sender.says("done")));
      await scene.drain(2 * scale.lease + 3_000);
      const ended = team.filter((one) => one.isOver).map((one) => one.lines.slice(-12).join(" | "));
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      result.figures["stopped"] = strikes * 2;
      if (ended.length > 0) result.broken.push(`${ended.length} programs ended, such as one with ${ended[0]}`);
      const lost = written.filter((event) => event.event === "ack" && event.step === "lost").length;
      result.figures["told LEASE_LOST"] = lost;
      if (lost === 0) result.broken.push("nobody was told LEASE_LOST, so the row has shown nothing");
      // Whoever is stopped while it has the file's lock keeps the others from settling, so that their leases lapse too.
      within(result, "duplicates", verdict.counts.duplicates, strikes * (pullers.length * 4 + consumers.length * 8));
      return result;
    } finally {
      await scene.close();
    }
  },
};
