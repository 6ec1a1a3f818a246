import type { WrittenEvent } from "../history-file.ts";
import { openScene } from "../open-scene.ts";
import type { Actor } from "../program.ts";
import { judged, type Row, SERVERS, within } from "../row.ts";

const PREFETCH = 8;

interface Death {
  readonly instance: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** F1: a consumer is killed while its handlers run; others get what it held. */
export const consumerKilled: Row = {
  id: "F1",
  title: "consumer killed in the handler",
  quick: true,
  on: ["sqlite", ...SERVERS],
  run: async (scale, seed, backend) => {
    const scene = await openScene(backend, seed);
    try {
      let started = 0;
      const consumer = (): { program: Actor; instance: string } => {
        const instance = `consumer-${started++}`;
        const task = { agent: "worker", instance, concurrency: 4, prefetch: PREFETCH, lease: scale.lease, work: 4 };
        return { program: scene.consumer(task), instance };
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
        priorities: true,
      });
      const deaths: Death[] = [];
      for (let strike = 0; strike < scale.strikes; strike++) {
        await new Promise((resolve) => setTimeout(resolve, 300 + scene.random() * 700));
        const at = Math.floor(scene.random() * team.length);
        const { program, instance } = team[at] as (typeof team)[number];
        await program.says("ready");
        deaths.push({ instance, at: Number(process.hrtime.bigint()) / 1e6 });
        await program.kill();
        team[at] = consumer();
      }
      await Promise.all(senders.map((sender) => sender.says("done")));
      await scene.drain(2 * scale.lease + 3_000);
      const { verdict, written } = await scene.verdict();
      const result = judged(verdict);
      const orphans = orphaned(written, deaths);
      result.figures["killed"] = deaths.length;
      result.figures["held by the killed"] = orphans.held;
      within(result, "longest wait for another hand-off", orphans.longest, scale.lease + 2_000);
      const causes = repeated(written, new Set(deaths.map(({ instance }) => instance)));
      within(result, "duplicates after a kill", causes.killed, deaths.length * PREFETCH);
      // A process that gets no time from a busy machine for a whole lease is like one that was stopped: F7 is about those.
      result.figures["duplicates after a lease that lapsed"] = causes.lapsed;
      return result;
    } finally {
      await scene.close();
    }
  },
};

/** Hand-offs that were followed by another one of the same copy: those of the killed, and the rest. */
function repeated(written: readonly WrittenEvent[], killed: ReadonlySet<string>): { killed: number; lapsed: number } {
  const byKey = new Map<string, { readonly instance: string; readonly attempt: number }[]>();
  for (const event of written) {
    if (event.event !== "hand-off") continue;
    const entries = byKey.get(event.key);
    if (entries) entries.push(event);
    else byKey.set(event.key, [event]);
  }
  const causes = { killed: 0, lapsed: 0 };
  for (const handOffs of byKey.values()) {
    handOffs.sort((a, b) => a.attempt - b.attempt);
    for (const { instance } of handOffs.slice(0, -1)) causes[killed.has(instance) ? "killed" : "lapsed"]++;
  }
  return causes;
}

/** What the killed had in their handlers, and how long the last of it waited for its next hand-off. */
function orphaned(written: readonly WrittenEvent[], deaths: readonly Death[]): { held: number; longest: number } {
  let held = 0;
  let longest = 0;
  for (const { instance, at } of deaths) {
    const own = written.filter((event) => "instance" in event && event.instance === instance);
    const settled = new Set(own.filter((event) => event.event === "ack").map((event) => event.key));
    const open = new Set(
      own.filter((event) => event.event === "hand-off" && !settled.has(event.key)).map((event) => event.key),
    );
    held += open.size;
    const next = new Map<string, number>();
    for (const event of written) {
      if (event.event !== "hand-off" || event.at <= at || !open.has(event.key)) continue;
      next.set(event.key, Math.min(event.at, next.get(event.key) ?? Number.POSITIVE_INFINITY));
    }
    for (const key of open) longest = Math.max(longest, (next.get(key) ?? Number.POSITIVE_INFINITY) - at);
  }
  return { held, longest };
}
