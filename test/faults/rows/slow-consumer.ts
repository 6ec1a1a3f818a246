import { readFileSync } from "node:fs";
import { openScene } from "../open-scene.ts";
import { judged, type Row, SERVERS, within } from "../row.ts";

const CAPACITY = 5_000;

/** F14: an agent is far slower than what is sent to it, beside one that is not. */
export const slowConsumer: Row = {
  id: "F14",
  title: "slow consumer under a flood, beside a fast one",
  quick: true,
  on: ["sqlite", "memory", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      const seconds = scale.strikes < 10 ? 4 : 60;
      const slow = scene.consumer({
        agent: "slow",
        instance: "slow",
        concurrency: 1,
        lease: 10_000,
        work: 2_000,
        capacity: CAPACITY,
      });
      const fast = scene.consumer({ agent: "fast", instance: "fast", concurrency: 8, lease: 10_000, work: 0 });
      await Promise.all([slow.says("ready"), fast.says("ready")]);
      const rate = 200;
      const steady = (name: string) =>
        scene.sender({ name, to: "fast", until: (rate * seconds) / 2, largest: 512, window: 8, rate });
      const alone = steady("steady-alone");
      await alone.says("done");
      const flood = scene.sender({
        name: "flood",
        to: "slow",
        // Longer than the rest of the row takes.
        until: 2_000 * (seconds + 30),
        largest: 512,
        window: 64,
        rate: 2_000,
      });
      await flood.says("ready");
      const programs = [slow, fast, flood];
      await flood.says("error");
      const before = programs.map((program) => rss(program.pid));
      const beside = steady("steady-beside");
      await beside.says("done");
      const growth = programs.map((program, at) => rss(program.pid) - (before[at] ?? 0));
      const errors = flood.lines.filter((line) => line.startsWith("error"));
      await Promise.all([flood.kill(), slow.kill()]);
      await scene.drain(1_000);
      const { verdict, written } = await scene.verdict();
      const result = judged({ ...verdict, stuck: [] });
      const codes = new Set(errors.map((line) => line.split(" ")[1]));
      result.figures["the flooding sender was told"] = [...codes].join(", ");
      if (codes.size !== 1 || !codes.has("INBOX_FULL"))
        result.broken.push(`the flooding sender was told ${[...codes].join(", ")}, not INBOX_FULL alone`);
      within(result, "growth of memory in MiB", Math.max(...growth), 64);
      const rates = ["steady-alone", "steady-beside"].map((name) => {
        const at = written
          .filter((event) => event.event === "ack" && event.step === "ok" && event.key.startsWith(name))
          .map((event) => event.at);
        return (at.length * 1_000) / (Math.max(...at) - Math.min(...at));
      });
      const [aloneRate = 0, besideRate = 0] = rates;
      result.figures["messages a second of the fast one, alone"] = Math.round(aloneRate);
      result.figures["messages a second of the fast one, beside"] = Math.round(besideRate);
      // What is above the rate that was sent was made up for after a late start.
      if (besideRate < 0.8 * Math.min(aloneRate, rate))
        result.broken.push(
          `the fast consumer fell from ${Math.round(aloneRate)} to ${Math.round(besideRate)} a second`,
        );
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** Resident memory of a process in MiB. */
function rss(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1_024;
}
