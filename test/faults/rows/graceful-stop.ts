import { openScene } from "../open-scene.ts";
import { judged, type Row, SAFE_LEASE, SERVERS, within } from "../row.ts";

/** F23: consumers are asked to stop while they are under load; others go on. */
export const gracefulStop: Row = {
  id: "F23",
  title: "graceful stop under load",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      let started = 0;
      const consumer = () => {
        const instance = `consumer-${started++}`;
        return {
          instance,
          program: scene.consumer({ agent: "worker", instance, concurrency: 4, lease: SAFE_LEASE, work: 20 }),
        };
      };
      const team = Array.from({ length: scale.consumers }, consumer);
      await Promise.all(team.map(({ program }) => program.says("ready")));
      const each = Math.ceil(scale.messages / scale.senders);
      const senders = await scene.senders(scale.senders, {
        to: "worker",
        until: each,
        largest: scale.largest,
        window: 32,
        rate: 0,
      });
      let slowest = 0;
      const unclean: string[] = [];
      const signalled: { readonly instance: string; readonly at: number }[] = [];
      for (let strike = 0; strike < scale.strikes; strike++) {
        await new Promise((resolve) => setTimeout(resolve, 200 + scene.random() * 400));
        const at = Math.floor(scene.random() * team.length);
        const { program, instance } = team[at] as (typeof team)[number];
        await program.says("ready");
        const asked = performance.now();
        program.signal("SIGTERM");
        const code = await program.exited;
        slowest = Math.max(slowest, performance.now() - asked);
        if (code !== 0 || !program.lines.includes("closed"))
          unclean.push(`exit code ${code}, last words ${program.lines.slice(-5).join(" | ")}`);
        const line = program.lines.find((one) => one.startsWith("signal "));
        signalled.push({ instance, at: Number(line?.split(" ")[1]) });
        team[at] = consumer();
      }
      await Promise.all(senders.map((sender) => sender.says("done")));
      await scene.drain(2 * SAFE_LEASE + 3_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      const after = written.filter(
        (event) =>
          event.event === "hand-off" &&
          signalled.some(({ instance, at }) => event.instance === instance && event.at > at),
      );
      result.figures["stopped"] = signalled.length;
      result.figures["unclean exits"] = unclean.length;
      if (unclean[0] !== undefined) result.broken.push(`unclean exits: ${unclean.length}, such as ${unclean[0]}`);
      within(result, "longest stop", slowest, 10_000);
      within(result, "hand-offs after the signal", after.length, 0);
      within(result, "duplicates", verdict.counts.duplicates, 0);
      return result;
    } finally {
      await scene.close();
    }
  },
};
